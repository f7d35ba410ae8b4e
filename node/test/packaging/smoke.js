'use strict';

// Copied into a project and run there: loads the installed package both ways, writes a session and reads it back.
// Argument: the engine's URL. Ends by itself, or the test's time does.

const assert = require('assert');
const Store = require('koa-session-dynamodb-store');

async function main() {
  const module = await import('koa-session-dynamodb-store');
  assert.strictEqual(module.default, Store);
  assert.strictEqual(module.DynamoDBStore, Store);
  assert.strictEqual(Store.default, Store);
  assert.strictEqual(Store.DynamoDBStore, Store);

  const store = new Store({
    table: { name: `smoke-${process.pid}`, autoCreate: true },
    dynamoConfig: {
      region: 'local', endpoint: process.argv[2], accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey',
    },
  });
  await store.ready;
  await store.set('id', { views: 1, name: 'Ada' }, 60000);
  assert.deepStrictEqual(await store.get('id'), { views: 1, name: 'Ada' });
  await store.destroy('id');
  assert.ok(!await store.get('id'));
}

main().then(() => console.log(`smoke passed on ${process.version}`));
