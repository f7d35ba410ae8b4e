'use strict';

// The option `specialKeys` of connect-dynamodb: items of that package and of this one have the same attributes.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const connectDynamoDB = require('connect-dynamodb');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const express = require('../support/express');
const fastify = require('../support/fastify');
const { local, unique } = require('../support/options');
const call = require('../support/session-call');
const Visitor = require('../support/visitor');
const { S, useIndexedTable } = require('./app');

const HOUR = 3600000;
const engine = useEngine();
const table = useIndexedTable(engine, 'id');
const credentials = { accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' };

const KEYS = [{ name: 'user_id', type: 'S' }, { name: 'level', type: 'N' }];
const cookie = () => ({ originalMaxAge: HOUR, maxAge: HOUR, expires: new Date(Date.now() + HOUR).toISOString() });

const theirs = (options) => new (connectDynamoDB(express.session))({
  table: table.name,
  initialized: true,
  client: new DynamoDBClient({ endpoint: engine.endpoint, region: 'local', credentials }),
  ...options,
});
const ours = (options) => new ExpressStore(local(engine.endpoint, table.name, { layout: 'connect-dynamodb', ...options }));

/** What is there beside what both packages keep in every item. */
async function specialIn(id) {
  const {
    id: key, expires, type, sess, created, rev, ...others
  } = await table.get(`sess:${id}`);
  assert.deepEqual(type, { S: 'connect-session' });
  return others;
}

describe('specialKeys', () => {
  it('are written as connect-dynamodb writes them', async () => {
    for (const session of [{ user_id: 'ada', level: 1.5 }, { user_id: 'ä', level: -7, other: true }]) {
      const seen = [];
      for (const store of [theirs({ specialKeys: KEYS }), ours({ specialKeys: KEYS })]) {
        const id = unique('special');
        await call(store, 'set', id, { ...session, cookie: cookie() });
        seen.push(await specialIn(id));
      }
      assert.deepEqual(seen[0], seen[1]);
      assert.deepEqual(seen[1], { user_id: S(session.user_id), level: { N: String(session.level) } });
    }
  });

  it('that are missing are left out with skipThrowMissingSpecialKeys, as there', async () => {
    for (const store of [theirs, ours].map((open) => open({ specialKeys: KEYS, skipThrowMissingSpecialKeys: true }))) {
      const id = unique('special');
      await call(store, 'set', id, { user_id: 'ada', cookie: cookie() });
      assert.deepEqual(await specialIn(id), { user_id: S('ada') });
    }
  });

  it('that are missing are an error without it, of the call', async () => {
    const store = ours({ specialKeys: KEYS });
    const id = unique('special');
    await assert.rejects(store.set(id, { user_id: 'ada', cookie: cookie() }), (error) => {
      assert.equal(error.code, 'InvalidSessionError');
      assert.match(error.message, /attributes\.level/);
      assert.match(error.cause.message, /no field "level".*skipThrowMissingSpecialKeys: true/);
      return true;
    });
    assert.equal(await table.get(`sess:${id}`), undefined);
  });

  it('of another type are an error of the call', async () => {
    const store = ours({ specialKeys: KEYS });
    for (const wrong of [{ user_id: 5, level: 1 }, { user_id: 'ada', level: '1' }, { user_id: null, level: 1 }]) {
      await assert.rejects(store.set(unique('special'), { ...wrong, cookie: cookie() }), (error) => {
        assert.match(error.cause.message, /must be a (string|number), as specialKeys says/);
        return true;
      });
    }
  });

  [express, fastify].forEach((framework) => {
    it(`find the sessions that connect-dynamodb stored, and those that ${framework.name} stores now`, async (t) => {
      const [id, ada, bob] = ['special', 'ada', 'bob'].map(unique);
      await call(theirs({ specialKeys: KEYS }), 'set', id, { user_id: ada, level: 1, cookie: cookie() });
      const store = ours({ specialKeys: KEYS, skipThrowMissingSpecialKeys: true });
      const app = await framework.serveFor(t, store, {}, ({ session, query }) => {
        const { signOut, ...fields } = query;
        Object.assign(session, fields);
        if (signOut) Reflect.deleteProperty(session, 'user_id');
      });
      const visitor = new Visitor(app.url, framework.cookies(id));
      await visitor.get('/?page=1');
      assert.deepEqual(await table.found(ada), [`sess:${id}`]);
      await visitor.get(`/?user_id=${bob}`);
      assert.deepEqual(await table.found(bob), [`sess:${id}`]);
      assert.deepEqual(await table.found(ada), []);
      await visitor.get('/?signOut=1');
      assert.deepEqual(await table.found(bob), []);
      assert.deepEqual(app.errors, []);
    });
  });

  it('go with attributes of one\'s own', async () => {
    const store = ours({
      specialKeys: [KEYS[0]], attributes: { level: (session) => session.roles.length },
    });
    const id = unique('special');
    await store.set(id, { user_id: 'ada', roles: ['a', 'b'], cookie: cookie() });
    assert.deepEqual(await specialIn(id), { user_id: S('ada'), level: { N: '2' } });
  });

  it('are checked', () => {
    const refused = [
      [{ specialKeys: 'user_id' }, TypeError, /specialKeys must be an array/],
      [{ specialKeys: [null] }, TypeError, /specialKeys\[0\]\.name must be a string/],
      [{ specialKeys: [{ type: 'S' }] }, TypeError, /specialKeys\[0\]\.name must be a string/],
      [{ specialKeys: [KEYS[0], { name: 'b', type: 'B' }] }, RangeError, /specialKeys\[1\]\.type must be one of S, N/],
      [{ specialKeys: [{ name: 'sess', type: 'S' }] }, RangeError, /must not be `sess`/],
      [{ specialKeys: KEYS, layout: undefined }, RangeError, /layout: 'connect-dynamodb'\. Write attributes/],
      [{ specialKeys: KEYS, layout: 'dynamodb-store' }, RangeError, /layout: 'connect-dynamodb'\. Write attributes/],
    ];
    refused.forEach(([options, Type, message]) => assert.throws(() => ours(options), (error) => {
      assert.equal(error.constructor, Type);
      assert.match(error.message, message);
      return true;
    }));
    ours({ specialKeys: [] });
  });
});
