'use strict';

// Expired sessions of a table whose TTL is off.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { startEngine } = require('../../support/engine');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { attribute } = require('../../support/trace');

const inSeconds = (seconds) => ({ N: String(Math.floor(Date.now() / 1000) + seconds) });

it('deleteExpired deletes those of its prefix, and returns their number', async (t) => {
  // One that leaves expired items where they are.
  const engine = await startEngine('--sweep', '0');
  t.after(engine.stop);
  const name = unique('expired');
  const table = rawTable(engine.endpoint, name);
  await table.create();
  await table.putSession('app:old', attribute({ user: 'Ada' }), { expires: inSeconds(-26 * 60) });
  await table.putSession('other:old', attribute({ user: 'Ada' }), { expires: inSeconds(-26 * 60) });
  const store = new DynamoDBStore(local(engine.endpoint, name, { prefix: 'app:' }));
  await store.set('live', { user: 'Ada' }, 60000);

  assert.equal(await store.deleteExpired(), 1);
  assert.equal(await table.get('app:old'), undefined);
  assert.ok(await table.get('other:old'));
  assert.ok(await store.get('live'));
  assert.equal(await store.deleteExpired(), 0);
});

it('deleteExpired without a table is an error with a code', async (t) => {
  const engine = await startEngine();
  t.after(engine.stop);
  const store = new DynamoDBStore(local(engine.endpoint, unique('missing')));
  await assert.rejects(store.deleteExpired(), { code: 'ResourceNotFoundException' });
});
