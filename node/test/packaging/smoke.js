'use strict';

// Copied into a project and run there: loads the installed package both ways, writes a session and reads it back.
// Argument: the engine's URL. Ends by itself, or the test's time does.

const assert = require('assert');
const path = require('path');
const manifest = require('koa-session-dynamodb-store/package.json');
const Store = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');

function assertIs(module, Class) {
  assert.strictEqual(module.default, Class);
  assert.strictEqual(module.DynamoDBStore, Class);
  assert.strictEqual(Class.default, Class);
  assert.strictEqual(Class.DynamoDBStore, Class);
}

async function main() {
  for (const subpath of Object.keys(manifest.exports).filter((each) => each !== './package.json')) {
    const entry = path.posix.join(manifest.name, subpath);
    assertIs(await import(entry), require(entry)); // eslint-disable-line global-require, import/no-dynamic-require
  }

  const options = {
    table: { name: `smoke-${process.pid}`, autoCreate: true },
    dynamoConfig: {
      region: 'local', endpoint: process.argv[2], accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey',
    },
  };
  const store = new Store(options);
  await store.ready;
  await store.set('id', { views: 1, name: 'Ada' }, 60000, { ctx: {} });
  assert.deepStrictEqual(await store.get('id'), { views: 1, name: 'Ada' });
  await store.destroy('id');
  assert.ok(!await store.get('id'));

  const other = new ExpressStore(options);
  const cookie = { originalMaxAge: 60000, expires: null };
  await new Promise((resolve, reject) => {
    other.set('id', { cookie, views: 1 }, (error) => (error ? reject(error) : resolve()));
  });
  assert.deepStrictEqual(await other.get('id'), { cookie, views: 1 });
  await other.destroy('id');
  assert.ok(!await other.get('id'));
}

main().then(() => console.log(`smoke passed on ${process.version}`));
