'use strict';

// A session that this package deleted, and another process that still runs the published version 1: the id is refused
// there too, and what that version writes afterwards is a session of its own.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const useTable = require('../support/table');
const { assertDeleted, isTombstone } = require('../support/tombstone');
const leavesAlone = require('./strange-session');

const HOUR = 3600000;
const engine = useEngine();
const table = useTable(engine, 'tombstones');
let legacy;
let store;

before(async () => {
  await engine.started;
  legacy = new Legacy(local(engine.endpoint, table.name));
  store = new DynamoDBStore(local(engine.endpoint, table.name));
});

// How a session can come to be deleted.
const DELETED = {
  'stored by this package, deleted by its id': async (id) => {
    await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
    await store.destroy(id);
  },
  'stored by this package, deleted by a request that had loaded it': async (id) => {
    const ctx = {};
    await store.set(id, { user: 'Ada' }, HOUR, { ctx });
    await store.destroy(id, { ctx });
  },
  'stored by version 1': async (id) => {
    await legacy.set(id, { user: 'Ada' }, HOUR);
    await store.destroy(id);
  },
  'loaded by this package, stored again by version 1, then deleted': async (id) => {
    const ctx = {};
    await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
    await store.get(id, undefined, { ctx });
    await legacy.set(id, { user: 'Grace' }, HOUR);
    await store.destroy(id, { ctx });
  },
  'with attributes of the application': async (id) => {
    await table.putSession(id, { M: { user: { S: 'Ada' } } }, { user: { S: 'Ada' } });
    await store.destroy(id);
  },
};

VERSIONS.forEach((version) => {
  Object.entries(DELETED).forEach(([name, remove]) => {
    describe(`${version.name} on version 1, a session ${name}`, () => {
      it('a view finds no session, and a change draws a new id', async (t) => {
        const id = unique('id');
        await remove(id);
        assertDeleted(await table.get(id));
        await leavesAlone(t, version, { legacy, table, id });
      });
    });
  });
});

it('what version 1 writes over a tombstone, with an id of its own choice, is a session for both', async () => {
  const id = unique('id');
  await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
  await store.destroy(id);
  await legacy.set(id, { user: 'Grace' }, HOUR);
  assert.ok(!isTombstone(await table.get(id)));
  assert.deepEqual(await store.get(id), { user: 'Grace' });
  assert.deepEqual(await legacy.get(id), { user: 'Grace' });
});

it('a tombstone that version 1 destroys again is gone', async () => {
  const id = unique('id');
  await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
  await store.destroy(id);
  await legacy.destroy(id);
  assert.equal(await table.get(id), undefined);
});
