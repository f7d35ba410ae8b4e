'use strict';

/* eslint no-underscore-dangle: "off" -- koa-session's own fields */

// Whatever way a session is stored, its attributes are there, plain, and stay.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const ExpressStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const { local, unique } = require('../support/options');
const { useDenied, useRecorder } = require('../support/recorder');
const {
  HOUR, S, serve, useIndexedTable, withAttributes,
} = require('./app');

const engine = useEngine();
const denied = useDenied(engine, 'UpdateItem');
const recorder = useRecorder(engine);
const table = useIndexedTable(engine);
const tableOfTexts = useIndexedTable(engine, 'id');

const keys = [{ id: 'k1', key: crypto.randomBytes(32) }];

/** Options of stores, and the table on which they are tried. */
const WAYS = {
  plain: {},
  sealed: { encryption: { keys } },
  'sealed and compressed': { encryption: { keys }, compress: true },
  'with hashed ids': { hashIds: 'only' },
  'sealed, with hashed ids': { encryption: { keys }, hashIds: 'on' },
  overwriting: { parallelChanges: 'overwrite' },
  'with a prefix': { prefix: 'app:' },
  'as connect-dynamodb': { layout: 'connect-dynamodb' },
  'as connect-dynamodb, sealed': { layout: 'connect-dynamodb', encryption: { keys } },
  'as dynamodb-store': { layout: 'dynamodb-store' },
};

frameworks.forEach((framework) => {
  describe(`${framework.name}: attributes of sessions`, () => {
    Object.entries(WAYS).filter(([, { layout }]) => !layout || !framework.isKoa).forEach(([way, more]) => {
      const isText = more.layout === 'connect-dynamodb';
      const of = isText ? tableOfTexts : table;

      [false, true].forEach((isDenied) => it(`${way}${isDenied ? ', without UpdateItem' : ''}`, async (t) => {
        const [id, ada, bob] = ['id', 'ada', 'bob'].map(unique);
        const endpoint = isDenied ? denied.endpoint : engine.endpoint;
        const store = new framework.Store(withAttributes(endpoint, of.name, more));
        const app = await serve(t, framework, id, store);
        await app.signIn(`/?user=${ada}&level=1`);
        assert.equal((await of.found(ada)).length, 1);
        await app.visit();
        await app.visit('/?page=2');
        const [key] = await of.found(ada);
        await app.visit(`/?user=${bob}`);
        assert.deepEqual(await of.found(bob), [key]);
        assert.deepEqual(await of.found(ada), []);
        assert.deepEqual((await of.get(key)).level, { N: '1' });

        const finish = await app.begin('/?page=3');
        await app.visit('/?-user=&level=2');
        const { page, user } = await finish();
        assert.deepEqual([page, user], ['3', bob]);
        const item = await of.get(key);
        const isOverwritten = more.parallelChanges === 'overwrite';
        assert.deepEqual(item.user_id, isOverwritten ? S(bob) : undefined);
        assert.deepEqual(item.level, { N: isOverwritten ? '1' : '2' });
        if (more.encryption) assert.doesNotMatch(JSON.stringify(item[isText ? 'sess' : 'session']), /level/);
        assert.deepEqual(app.errors, []);
      }));
    });
  });
});

describe('a session that nothing is known of', () => {
  const cookie = () => ({ originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR).toISOString() });

  it('gets all its attributes, and loses those that it does not have', async () => {
    const koa = new KoaStore(withAttributes(engine.endpoint, table.name));
    const express = new ExpressStore(withAttributes(engine.endpoint, table.name));
    const puts = [
      (id, session) => koa.set(id, session, HOUR),
      (id, session) => express.set(id, { ...session, cookie: cookie() }),
    ];
    for (const put of puts) {
      const id = unique('put');
      await put(id, { user: 'ada', level: 1 });
      assert.deepEqual((await table.get(id)).user_id, S('ada'));
      await put(id, { level: 2 });
      const item = await table.get(id);
      assert.deepEqual([item.user_id, item.level], [undefined, { N: '2' }]);
    }
  });

  it('that all() found is written as one that get() found', async () => {
    const store = new ExpressStore(withAttributes(engine.endpoint, table.name, { prefix: `${unique('all')}:` }));
    await store.set('a', { user: 'ada', cookie: cookie() });
    const [session] = await store.all();
    const key = `${store.tableName && (await table.found('ada')).find((found) => found.endsWith(':a'))}`;
    await store.set('a', Object.assign(session, { page: 1 }));
    assert.deepEqual((await table.get(key)).user_id, S('ada'));
    const [again] = await store.all();
    delete again.user;
    await store.set('a', again);
    assert.equal((await table.get(key)).user_id, undefined);
  });
});

describe('an attribute that is computed of a part of a field', () => {
  const newStore = () => new KoaStore(local(engine.endpoint, table.name, {
    attributes: { user_id: (session) => session.user?.id, level: (session) => Object.keys(session).length },
  }));

  // Two requests that have loaded the same session. The first one saves, then the second one.
  const parallel = async (first, second) => {
    const store = newStore();
    const id = unique('part');
    await store.set(id, { user: { id: 'ada', seen: 0 } }, HOUR, { ctx: {} });
    const contexts = [{}, {}];
    for (const ctx of contexts) await store.get(id, HOUR, { ctx });
    await store.set(id, first, HOUR, { ctx: contexts[0] });
    await store.set(id, second, HOUR, { ctx: contexts[1] });
    const { session, user_id: attribute } = await table.get(id);
    return [session.M.user?.M.id, attribute];
  };

  it('goes with the field: whoever changes it last writes both', async () => {
    const user = { id: 'ada', seen: 1 };
    assert.deepEqual(await parallel({}, { user }), [S('ada'), S('ada')]);
    assert.deepEqual(await parallel({ user: { id: 'bob' } }, { user }), [S('ada'), S('ada')]);
    assert.deepEqual(await parallel({ user: { id: 'bob' } }, { user: { seen: 1 } }), [undefined, undefined]);
    // Who changes something else changes neither.
    const unchanged = { user: { id: 'ada', seen: 0 }, page: 1 };
    assert.deepEqual(await parallel({}, unchanged), [undefined, undefined]);
    assert.deepEqual(await parallel({ user: { id: 'bob' } }, unchanged), [S('bob'), S('bob')]);
  });

  it('is not written for what the framework writes with the expiry', async () => {
    const level = (session) => Object.keys(session).length + (session._expire > 0 ? 1 : 0);
    const store = new KoaStore(local(recorder.endpoint, table.name, { attributes: { level } }));
    const [id, ctx] = [unique('rolling'), {}];
    await store.set(id, { a: 1, _expire: Date.now() + HOUR, _maxAge: HOUR }, HOUR, { ctx });
    await store.get(id, HOUR, { ctx });
    recorder.reset();
    await store.set(id, { a: 1, _expire: Date.now() + 2 * HOUR, _maxAge: HOUR }, 2 * HOUR, { ctx });
    const [{ body }] = recorder.only('UpdateItem');
    assert.doesNotMatch(body.UpdateExpression, /#a0/);
  });
});

describe('the cost of attributes', () => {
  const newStore = (more) => new KoaStore(withAttributes(recorder.endpoint, table.name, more));

  it('without the option, a request has none of it', async () => {
    const store = newStore({ attributes: undefined });
    const [id, ctx] = [unique('id'), {}];
    await store.set(id, { user: 'ada' }, HOUR, { ctx });
    recorder.reset();
    await store.get(id, HOUR, { ctx });
    await store.set(id, { user: 'bob' }, HOUR, { ctx });
    const [update] = recorder.only('UpdateItem');
    const { ExpressionAttributeNames: names } = update.body;
    assert.ok(!Object.keys(names).some((name) => name.startsWith('#a')), JSON.stringify(names));
  });

  it('an unchanged attribute is set only where it is missing, and the functions are called once for each load and each write', async () => {
    const calls = [];
    const store = newStore({
      attributes: {
        user_id(session) {
          calls.push(session.user);
          return session.user;
        },
      },
    });
    const [id, ctx] = [unique('id'), {}];
    await store.set(id, { user: 'ada' }, HOUR, { ctx });
    recorder.reset();
    calls.length = 0;
    await store.get(id, HOUR, { ctx });
    await store.set(id, { user: 'ada', page: 1 }, HOUR, { ctx });
    assert.match(recorder.only('UpdateItem')[0].body.UpdateExpression, /#a0 = if_not_exists\(#a0, :a0\)/);
    assert.deepEqual(calls, ['ada', 'ada']);
    recorder.reset();
    await store.set(id, { user: 'bob', page: 1 }, HOUR, { ctx });
    await store.set(id, { user: 'bob', page: 2 }, HOUR, { ctx });
    const [set, kept] = recorder.only('UpdateItem').map(({ body }) => body.UpdateExpression);
    assert.match(set, /#a0 = :a0/);
    assert.match(kept, /#a0 = if_not_exists\(#a0, :a0\)/);
    assert.deepEqual((await table.get(id)).user_id, S('bob'));
  });
});
