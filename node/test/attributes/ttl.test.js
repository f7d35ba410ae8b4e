'use strict';

// The option `ttl`: how long the store keeps a session, whatever its cookie says.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const ExpressStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const { local, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const { HOUR, S, serve } = require('./app');

const MINUTE = 60000;
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'ttl');

/** koa-session asks for this much more than its cookie has, so that the cookie ends first. */
const OF_KOA = 10000;

/** Asserts that a session ends so many milliseconds from now. */
async function assertLeft(id, ms) {
  const { expires } = await table.get(id);
  const left = Number(expires.N) * 1000 - Date.now();
  assert.ok(left > ms - MINUTE / 2 && left <= ms + OF_KOA + 2000, `${left} ms are left of ${ms}`);
}

const cookie = (ms = HOUR) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms).toISOString() });

frameworks.forEach((framework) => {
  describe(`${framework.name}: the option ttl`, () => {
    const open = async (t, more, options) => {
      const id = unique('id');
      const store = new framework.Store(local(recorder.endpoint, table.name, more));
      return { id, app: await serve(t, framework, id, store, options) };
    };

    [['shorter', 10 * MINUTE], ['longer', 48 * HOUR]].forEach(([name, ttl]) => {
      it(`may be ${name} than the cookie, in a new, a changed and a touched session`, async (t) => {
        const { id, app } = await open(t, { ttl });
        await app.signIn();
        await assertLeft(id, ttl);
        await app.visit('/?page=1');
        await assertLeft(id, ttl);
        await table.put({ ...await table.get(id), expires: { N: String(Math.ceil(Date.now() / 1000) + 60) } });
        await app.visit();
        await assertLeft(id, ttl);
      });
    });

    it('may be a function of the session and of what the cookie says, which shortens and extends', async (t) => {
      const seen = [];
      const ttl = (session, maxAge) => {
        seen.push(maxAge);
        return session.remember === 'yes' ? 30 * 24 * HOUR : maxAge / 2;
      };
      const { id, app } = await open(t, { ttl });
      await app.signIn('/?remember=yes');
      await assertLeft(id, 30 * 24 * HOUR);
      await app.visit('/?-remember=');
      await assertLeft(id, HOUR / 2);
      await app.visit('/?remember=yes');
      await assertLeft(id, 30 * 24 * HOUR);
      assert.ok(seen.every((maxAge) => maxAge > HOUR - MINUTE && maxAge <= HOUR + OF_KOA), String(seen));
    });

    it('shortens what is stored also when nothing of the session changes, and sealed', async (t) => {
      const keys = [{ id: 'k1', key: crypto.randomBytes(32) }];
      for (const more of [{}, { encryption: { keys } }]) {
        const { id, app } = await open(t, more);
        await app.signIn();
        await assertLeft(id, HOUR);
        const store = new framework.Store(local(recorder.endpoint, table.name, { ...more, ttl: 10 * MINUTE }));
        const later = await serve(t, framework, id, store);
        await later.visit();
        await assertLeft(id, 10 * MINUTE);
        assert.deepEqual(await later.visit(), { user: 'ada' });
      }
    });

    it('goes with touchAfter: a view writes nothing, and a shorter one is written', async (t) => {
      let ms = HOUR;
      const { id, app } = await open(t, { ttl: () => ms, touchAfter: 30 * MINUTE });
      await app.signIn();
      recorder.reset();
      await app.visit();
      assert.deepEqual(recorder.operations(), ['GetItem']);
      ms = 10 * MINUTE;
      await app.visit();
      await assertLeft(id, 10 * MINUTE);
    });

    it('goes with absoluteMaxAge: the earlier one counts', async (t) => {
      for (const [ttl, absoluteMaxAge] of [[HOUR, 10 * MINUTE], [10 * MINUTE, HOUR]]) {
        const { id, app } = await open(t, { ttl, absoluteMaxAge });
        await app.signIn();
        await app.visit('/?page=1');
        await assertLeft(id, 10 * MINUTE);
      }
    });

    it('zero ends the session within a second', async (t) => {
      const ttl = (session) => (session.over ? 0 : HOUR);
      const { id, app } = await open(t, { ttl });
      await app.signIn();
      await app.visit('/?over=1');
      await assertLeft(id, 0);
    });

    it('of a cookie that has expired: what the framework does', async (t) => {
      const { id, app } = await open(t, { ttl: 48 * HOUR });
      await app.signIn();
      const item = await table.get(id);
      const fields = item.session.M;
      const past = Date.now() - MINUTE;
      // eslint-disable-next-line no-underscore-dangle -- koa-session's own field
      if (framework.isKoa) fields._expire.N = String(past);
      else fields.cookie.M.expires = S(new Date(past).toISOString());
      await table.put(item);
      // express-session relies on the browser, which no longer sends the cookie.
      const isRefused = framework.isKoa || framework.name.includes('fastify');
      assert.deepEqual(await app.visit(), isRefused ? {} : { user: 'ada' });
    });

    const BAD = {
      NaN: [() => NaN, /a number that is not finite/],
      Infinity: [() => Infinity, /a number that is not finite/],
      'a negative number': [() => -1, /a number below zero/],
      'a string': [() => '60000', /It returned a string\.$/],
      'an empty string': [() => '', /It returned an empty string\.$/],
      nothing: [() => {}, /undefined/],
      'a promise': [async () => HOUR, /a promise: the function must be synchronous/],
      'an error': [() => { throw new Error('said the test'); }, /ttl cannot be computed for the session/],
    };
    it('of a function that gives no time is an error of the write', async (t) => {
      for (const [name, [ttl, message]] of Object.entries(BAD)) {
        const { id, app } = await open(t, {});
        await app.signIn();
        const before = await table.get(id);
        const store = new framework.Store(local(recorder.endpoint, table.name, { ttl }));
        const failing = await serve(t, framework, id, store);
        const error = await failing.fail('/?page=1');
        const own = [error, error.cause].find((one) => one?.code === 'InvalidMaxAgeError');
        assert.ok(own, `${name}: ${error}`);
        assert.match(own.message, message, name);
        assert.deepEqual(await table.get(id), before, name);
      }
    });
  });
});

describe('the option ttl of a store', () => {
  it('must be a time or a function', () => {
    const bad = [['5', TypeError], [{}, TypeError], ...[0, -1, NaN, Infinity].map((ttl) => [ttl, RangeError])];
    bad.forEach(([ttl, Type]) => {
      [KoaStore, ExpressStore].forEach((Store) => {
        assert.throws(() => new Store(local(engine.endpoint, table.name, { ttl })), (error) => {
          assert.equal(error.constructor, Type);
          assert.match(error.message, /^ttl must be /);
          return true;
        });
      });
    });
  });

  it('counts for a session without a maxAge too, before sessionTtl', async () => {
    const koa = new KoaStore(local(engine.endpoint, table.name, { ttl: 10 * MINUTE, sessionTtl: HOUR }));
    for (const maxAge of ['session', undefined, null]) {
      const id = unique('id');
      await koa.set(id, { a: 1 }, maxAge, { ctx: {} });
      await assertLeft(id, 10 * MINUTE);
    }
    const seen = [];
    const express = new ExpressStore(local(engine.endpoint, table.name, {
      ttl(session, maxAge) { seen.push(maxAge); return 20 * MINUTE; },
    }));
    const id = unique('id');
    await express.set(id, { cookie: { originalMaxAge: null, expires: null } });
    await assertLeft(id, 20 * MINUTE);
    assert.deepEqual(seen, [undefined]);
  });

  it('is what getExpirationDate of the Koa store counts, if it is a number', () => {
    const of = (ttl) => new KoaStore(local(engine.endpoint, table.name, { ttl }));
    const left = (ttl) => of(ttl).getExpirationDate(HOUR) - Date.now();
    [[10 * MINUTE, 10 * MINUTE], [() => MINUTE, HOUR], [undefined, HOUR]].forEach(([ttl, expected]) => {
      const ms = left(ttl);
      assert.ok(ms > expected - 2000 && ms <= expected + 2000, `${ms} of ${expected}`);
    });
  });

  it('counts for sessions that nothing is known of', async () => {
    const store = new ExpressStore(local(engine.endpoint, table.name, { ttl: 10 * MINUTE }));
    const id = unique('put');
    await store.set(id, { cookie: cookie() });
    await assertLeft(id, 10 * MINUTE);
    await store.touch(id, { cookie: cookie() });
    await assertLeft(id, 10 * MINUTE);
  });

  it('that is longer than any expiry is the latest one', async () => {
    const store = new ExpressStore(local(engine.endpoint, table.name, { ttl: () => Number.MAX_VALUE }));
    const id = unique('late');
    await store.set(id, { cookie: cookie() });
    assert.equal((await table.get(id)).expires.N, '99999999999');
  });

  it('takes over that of dynamodb-store', async () => {
    const store = new ExpressStore(local(engine.endpoint, table.name, { layout: 'dynamodb-store', ttl: 10 * MINUTE }));
    const id = unique('theirs');
    await store.set(id, { cookie: cookie() });
    await assertLeft(`sess:${id}`, 10 * MINUTE);
  });
});
