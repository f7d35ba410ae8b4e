'use strict';

// absoluteMaxAge: a session ends this long after its creation, even if it is used.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const Visitor = require('../support/visitor');

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'absolute');

const newStore = (more) => new DynamoDBStore(local(recorder.endpoint, table.name, more));

// A store whose clock is ahead by this time.
const later = (ms, more) => newStore({ ...more, dynamoConfig: { systemClockOffset: ms } });

const endOf = (item) => Number(item.expires.N);
// The latest end of a session, from the `created` of its item.
const lastOf = (item, absoluteMaxAge) => Math.ceil((Number(item.created.N) + absoluteMaxAge) / 1000);

VERSIONS.forEach((version) => {
  ['merge', 'overwrite'].forEach((conflict) => {
    describe(`${version.name}, conflict: '${conflict}'`, () => {
      const absoluteMaxAge = HOUR;
      const options = { absoluteMaxAge, conflict };

      const signIn = async (t, store, more = {}) => {
        const app = await serveFor(t, version, { store, maxAge: DAY, ...more }, async (ctx) => {
          if (ctx.path === '/sign-in') ctx.session.user = 'Ada';
          if (ctx.path === '/regenerate') await ctx.session.regenerate();
          if (ctx.path === '/change') ctx.session.views = (ctx.session.views || 0) + 1;
          return { session: ctx.session };
        });
        const visitor = new Visitor(app.url);
        await visitor.get('/sign-in');
        return { app, visitor, id: visitor.sessionId };
      };

      it('a session ends no later than that', async (t) => {
        const { id } = await signIn(t, newStore(options));
        const item = await table.get(id);
        assert.equal(endOf(item), lastOf(item, absoluteMaxAge));
      });

      it('a shorter maxAge counts', async (t) => {
        const from = Date.now();
        const { id } = await signIn(t, newStore(options), { maxAge: MINUTE });
        const end = endOf(await table.get(id));
        assert.ok(end >= Math.ceil((from + MINUTE + 10000) / 1000));
        assert.ok(end <= Math.ceil((Date.now() + MINUTE + 10000) / 1000));
      });

      it('without maxAge too', async (t) => {
        const { id } = await signIn(t, newStore(options), { maxAge: 'session' });
        const item = await table.get(id);
        assert.equal(endOf(item), lastOf(item, absoluteMaxAge));
      });

      ['/', '/change'].forEach((path) => {
        it(`${path === '/' ? 'rolling' : 'changes'} do not get beyond it`, async (t) => {
          const { id } = await signIn(t, newStore(options));
          const { created } = await table.get(id);
          // Half an hour later.
          const app = await serveFor(
            t,
            version,
            { store: later(HOUR / 2, options), maxAge: DAY, rolling: true },
            (ctx) => { if (ctx.path === '/change') ctx.session.views = 1; },
          );
          assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get(path)).status, 200);
          const item = await table.get(id);
          assert.deepEqual(item.created, created);
          assert.equal(endOf(item), lastOf(item, absoluteMaxAge));
          assert.deepEqual(item.session.M.user, { S: 'Ada' });
        });
      });

      it('after it the session is a miss', async (t) => {
        const { id } = await signIn(t, newStore(options));
        assert.ok(await later(HOUR - 10000, options).get(id));
        assert.equal(await later(HOUR + 10000, options).get(id), undefined);
      });

      it('even if the item expires later, because it was written without the option', async (t) => {
        const { id } = await signIn(t, newStore());
        assert.ok(endOf(await table.get(id)) > Date.now() / 1000 + 23 * 3600);
        assert.ok(await later(2 * HOUR).get(id));
        assert.ok(await later(HOUR - 10000, options).get(id));
        assert.equal(await later(HOUR + 10000, options).get(id), undefined);
      });

      it('over real HTTP: an old session is gone, and its id is not used again', async (t) => {
        const store = newStore(options);
        const { app, visitor, id } = await signIn(t, store);
        const item = await table.get(id);
        const past = { N: String(Number(item.created.N) - HOUR - 1000) };
        await table.put({ ...item, created: past, expires: { N: String(endOf(item) + 86400) } });
        const { body } = await visitor.get();
        assert.deepEqual(body.session, {});
        await visitor.get('/change');
        assert.notEqual(visitor.sessionId, id);
        assert.deepEqual(app.errors, []);
      });

      it('an id that stays the same: a new session, whose life begins now', async (t) => {
        const id = unique('same');
        const store = newStore(options);
        const past = Date.now() - 2 * HOUR;
        await table.putSession(id, { M: { user: { S: 'Ada' } } }, { created: { N: String(past) } });
        const externalKey = { get: () => id, set() {} };
        const from = Date.now();
        await signIn(t, store, { externalKey, genid: () => id });
        const item = await table.get(id);
        assert.ok(Number(item.created.N) >= from);
        assert.equal(endOf(item), lastOf(item, absoluteMaxAge));
        assert.deepEqual(Object.keys(item.session.M).filter((name) => name !== '_expire').sort(), ['_maxAge', 'user']);
      });

      it('regenerate begins a new life', async (t) => {
        const { visitor, id } = await signIn(t, newStore(options));
        const old = await table.get(id);
        await table.put({ ...old, created: { N: String(Number(old.created.N) - HOUR / 2) } });
        await visitor.get('/regenerate');
        const item = await table.get(visitor.sessionId);
        assert.ok(Number(item.created.N) >= Number(old.created.N));
        assert.equal(endOf(item), lastOf(item, absoluteMaxAge));
      });

      it('a row of the legacy package: its life begins with the first save', async (t) => {
        const store = newStore(options);
        const id = unique('legacy');
        await table.putSession(id, { M: { user: { S: 'Ada' } } });
        const app = await serveFor(t, version, { store, maxAge: DAY }, (ctx) => {
          if (ctx.path === '/change') ctx.session.views = 1;
          return { session: ctx.session };
        });
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        assert.deepEqual((await visitor.get()).body.session, { user: 'Ada' });
        assert.equal((await table.get(id)).created, undefined);
        const from = Date.now();
        await visitor.get('/change');
        const item = await table.get(id);
        assert.ok(Number(item.created.N) >= from);
        assert.equal(endOf(item), lastOf(item, absoluteMaxAge));
      });

      it('with touchAfter: at the end of its life a session is not written for nothing', async (t) => {
        const store = newStore({ ...options, touchAfter: MINUTE });
        const { visitor } = await signIn(t, store, { rolling: true });
        recorder.reset();
        await visitor.get();
        assert.deepEqual(recorder.operations(), ['GetItem']);
      });
    });
  });

  it(`${version.name}: off unless asked for`, async (t) => {
    const app = await serveFor(t, version, { store: newStore(), maxAge: 21 * DAY }, (ctx) => { ctx.session.a = 1; });
    const visitor = new Visitor(app.url);
    await visitor.get();
    assert.ok(await later(20 * DAY).get(visitor.sessionId));
  });
});

it('a write that knows nothing of the session ends no later either', async () => {
  const store = newStore({ absoluteMaxAge: HOUR });
  const id = unique('id');
  await store.set(id, { a: 1 }, DAY);
  const item = await table.get(id);
  assert.equal(endOf(item), lastOf(item, HOUR));
});
