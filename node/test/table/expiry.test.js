'use strict';

// A table whose TTL is on another attribute than `ttlKey`. A process that has looked at the table knows both. What is
// learnt belongs to an endpoint: the recorder stands for a process that has not looked.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const express = require('../support/express');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { raw, rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const DAY = 24 * HOUR;
const engine = useEngine();
const recorder = useRecorder(engine);

const secondsIn = (ms) => ({ N: String(Math.ceil((Date.now() + ms) / 1000)) });
const cookie = { originalMaxAge: DAY, path: '/' };
const text = JSON.stringify({ cookie, name: 'Ada' });

// Each layout: how its stores are made, a session as its package stores it, the key of its table, and its prefix.
const ITEMS = {
  koa: {
    make: (options) => new DynamoDBStore(options),
    session: { session: { M: { name: { S: 'Ada' } } } },
  },
  express: {
    make: (options) => new ExpressStore(options),
    session: { session: { M: { cookie: { M: { path: { S: '/' } } }, name: { S: 'Ada' } } } },
  },
  'connect-dynamodb': {
    make: (options) => new ExpressStore({ ...options, layout: 'connect-dynamodb' }),
    session: { type: { S: 'connect-session' }, sess: { S: text } },
    key: 'id',
    prefix: 'sess:',
  },
  'dynamodb-store': {
    make: (options) => new ExpressStore({ ...options, layout: 'dynamodb-store' }),
    session: { sess: { M: { cookie: { M: { path: { S: '/' } } }, name: { S: 'Ada' } } } },
    prefix: 'sess:',
  },
};

const create = async (key) => {
  const table = rawTable(engine.endpoint, unique('expiry'), key);
  await table.create();
  await raw(engine.endpoint, 'UpdateTimeToLive', {
    TableName: table.name, TimeToLiveSpecification: { AttributeName: 'until', Enabled: true },
  });
  return table;
};

Object.entries(ITEMS).forEach(([layout, {
  make, session, key = 'sessionId', prefix = '',
}]) => {
  // A store of a process that knows both attributes, or one. `ahead` is how far its clock is ahead.
  const store = (table, knows, ahead = 0) => make(local(knows ? engine.endpoint : recorder.endpoint, table.name, {
    table: { autoCreate: knows, hashKey: key, ttlKey: 'expires' }, dynamoConfig: { systemClockOffset: ahead },
  }));
  const isNone = (found) => found === undefined || found === null;

  describe(`layout of ${layout}`, () => {
    it('a session of yesterday has ended, also if the attribute of the TTL is missing', async () => {
      const table = await create(key);
      const cases = [
        [{ expires: secondsIn(-DAY) }, false],
        [{ expires: secondsIn(-400 * DAY) }, false],
        [{ expires: secondsIn(-DAY), until: secondsIn(DAY) }, false],
        [{ expires: secondsIn(DAY), until: secondsIn(-DAY) }, false],
        [{ until: secondsIn(-DAY) }, false],
        [{ expires: secondsIn(DAY) }, true],
        [{ expires: secondsIn(DAY), until: secondsIn(DAY) }, true],
      ];
      for (const [index, [expiry]] of cases.entries()) {
        await table.put({ [key]: { S: `${prefix}id${index}` }, ...session, ...expiry });
      }
      const own = store(table, true);
      for (const [index, [expiry, isLive]] of cases.entries()) {
        assert.equal(!isNone(await own.get(`id${index}`)), isLive, JSON.stringify(expiry));
      }
      if (!own.all) return;
      assert.equal((await own.all()).length, 2);
      assert.equal(await own.length(), 2);
      assert.equal(await own.deleteExpired(), 5);
      assert.equal((await table.scan()).length, 2);
    });

    for (const writerKnows of [true, false]) {
      for (const readerKnows of [true, false]) {
        it(`what has ended for one has ended for the other: knows of the table ${writerKnows}, ${readerKnows}`, async () => {
          const table = await create(key);
          const writer = store(table, writerKnows);
          const data = layout === 'koa' ? { name: 'Ada' } : { name: 'Ada', cookie: { ...cookie, expires: new Date(Date.now() + HOUR) } };
          await writer.set('a', data, HOUR);
          const item = await table.get(`${prefix}a`);
          assert.equal(item.until?.N, writerKnows ? item.expires.N : undefined);
          assert.equal((await store(table, readerKnows).get('a')).name, 'Ada');
          for (const knows of [writerKnows, readerKnows]) {
            const later = store(table, knows, HOUR + 1000);
            assert.ok(isNone(await later.get('a')));
            if (later.all) assert.deepEqual([await later.all(), await later.length()], [[], 0]);
          }
          await writer.destroy('a');
          const tombstone = await table.get(`${prefix}a`);
          assert.equal(tombstone.until?.N, writerKnows ? tombstone.expires.N : undefined);
        });
      }
    }
  });
});

describe('over HTTP', () => {
  const yesterday = (table) => table.put({
    sessionId: { S: 'old' }, ...ITEMS.express.session, expires: secondsIn(-DAY),
  });

  VERSIONS.forEach((version) => it(`${version.name}: a visitor of yesterday has a new session`, async (t) => {
    const table = await create();
    await yesterday(table);
    const store = new DynamoDBStore(local(engine.endpoint, table.name, { table: { autoCreate: true } }));
    const app = await serveFor(t, version, { store }, (ctx) => ({ name: ctx.session.name }));
    assert.deepEqual((await new Visitor(app.url, { 'koa.sess': 'old' }).get()).body, {});
    assert.deepEqual(app.errors, []);
  }));

  it('express-session: a visitor of yesterday has a new session', async (t) => {
    const table = await create();
    await yesterday(table);
    const store = new ExpressStore(local(engine.endpoint, table.name, { table: { autoCreate: true } }));
    const app = await express.serveFor(t, store, {}, (request) => ({ name: request.session.name }));
    assert.deepEqual((await new Visitor(app.url, express.cookies('old')).get()).body, {});
    assert.deepEqual(app.errors, []);
  });
});
