'use strict';

// Somebody's Jest suite that uses the store: it passes, leaves nothing open, and does nothing once it has ended.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const {
  NODE_DIR, engine, installed, run,
} = require('./helper');

const JEST = path.join(NODE_DIR, 'node_modules', 'jest', 'bin', 'jest.js');
const SUITE = `
const Store = require('koa-session-dynamodb-store');

test('a session', async () => {
  const store = new Store({
    table: { name: 'jest', autoCreate: true },
    dynamoConfig: { region: 'local', endpoint: process.env.ENGINE, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' },
  });
  await store.ready;
  await store.set('id', { views: 1 }, 60000);
  expect(await store.get('id')).toEqual({ views: 1 });
});
`;

// An engine that gives no answer until it is asked to fail. Then it ends the connections of all requests.
async function silentEngine(t) {
  let held = [];
  const server = http.createServer(({ url, socket }, response) => {
    if (url === '/fail') {
      held.forEach((one) => one.destroy());
      held = undefined;
      response.end();
    } else if (held) held.push(socket);
    else socket.destroy();
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

/** The last acts of a test file: calls that nobody waits for. */
const LAST_ACTS = {
  'koa: get': "new Store(options()).get('id').catch(() => {});",
  'koa: set': "new Store(options()).set('id', { a: 1 }, 60000, { ctx: {} }).catch(() => {});",
  'koa: set without a context': "new Store(options()).set('id', { a: 1 }).catch(() => {});",
  'koa: get, while the table is created': "new Store(options({ autoCreate: true })).get('id').catch(() => {});",
  'koa: a store that creates its table': 'new Store(options({ autoCreate: true }));',
  'koa: createTableIfDontExists': 'new Store(options()).createTableIfDontExists(() => {});',
  'koa: with a listener': "new Store(options()).on('retry', () => {}).get('id').catch(() => {});",
  'express: get': "new ExpressStore(options()).get('id', () => {});",
  'express: get, which nobody waits for': "new ExpressStore(options()).get('id');",
  'express: set': "new ExpressStore(options()).set('id', { cookie: {} }, () => {});",
  'express: destroy': "new ExpressStore(options()).destroy('id', undefined);",
  'express: all': 'new ExpressStore(options()).all(() => {});',
  'express: clear': 'new ExpressStore(options()).clear(() => {});',
};

const suite = (name, statements, table) => `
const Store = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const options = (table = {}) => ({
  table: { name: 'table-${table}', ...table },
  dynamoConfig: {
    region: 'local', endpoint: process.env.ENGINE, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey', maxRetries: 0,
    httpOptions: { timeout: 20000 },
  },
});

test(${JSON.stringify(name)}, async () => { ${statements} });
`;

test('a call that fails after its test file has ended loads no file', async (t) => {
  const { project, env } = await installed(t);
  fs.symlinkSync(path.join(NODE_DIR, 'node_modules', 'express-session'), path.join(project, 'node_modules', 'express-session'));
  const files = Object.entries(LAST_ACTS).map(([name, act]) => [name, act]);
  // Its own call fails after the others.
  files.push(['after all', `
    await fetch(process.env.ENGINE + '/fail');
    await new Store(options()).get('id').catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));`]);
  files.forEach(([name, act], index) => {
    fs.writeFileSync(path.join(project, `${String.fromCharCode(97 + index)}.test.js`), suite(name, act, index));
  });
  fs.writeFileSync(path.join(project, 'in-order.js'), `
    const Sequencer = require(${JSON.stringify(path.join(NODE_DIR, 'node_modules/@jest/test-sequencer'))}).default;
    module.exports = class extends Sequencer {
      sort(tests) { return [...tests].sort((one, other) => (one.path < other.path ? -1 : 1)); }
    };`);
  const args = [JEST, '--rootDir', project, '--watchman=false', '--ci', '--runInBand', '--testSequencer', './in-order.js'];
  const options = { cwd: project, env: { ...env, ENGINE: await silentEngine(t) }, timeout: 60000 };
  const { stderr } = await run(path.join(env.PATH, 'node'), args, options);
  assert.match(stderr, new RegExp(`Tests: +${files.length} passed`));
  assert.doesNotMatch(stderr, /torn down|TypeError|●/);
});

const COPIES = `
test('each copy asks its own provider', async () => {
  const stores = ['one', 'two'].map(() => {
    jest.resetModules();
    const Store = require('koa-session-dynamodb-store');
    const credentials = jest.fn(async () => ({ accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' }));
    const log = jest.fn();
    const dynamoConfig = { region: 'local', endpoint: process.env.ENGINE, credentials, logger: { log } };
    return { store: new Store({ table: { name: 'copies' }, dynamoConfig }), credentials, log, Store };
  });
  expect(stores[0].Store).not.toBe(stores[1].Store);
  await stores[0].store.createTableIfDontExists();
  for (const { store } of stores) expect(await store.get('id')).toBe(undefined);
  for (const { credentials, log } of stores) {
    expect(credentials).toHaveBeenCalledTimes(1);
    expect(log).toHaveBeenLastCalledWith(expect.stringContaining('getItem'));
  }
});
`;

test('jest.resetModules()', async (t) => {
  const { project, env } = await installed(t);
  fs.writeFileSync(path.join(project, 'copies.test.js'), COPIES);
  const args = [JEST, '--rootDir', project, '--watchman=false', '--ci'];
  const options = { cwd: project, env: { ...env, ENGINE: await engine(t) }, timeout: 60000 };
  const { stderr } = await run(path.join(env.PATH, 'node'), args, options);
  assert.match(stderr, /Tests: +1 passed/);
});

test('no open handle is left behind', async (t) => {
  const { project, env } = await installed(t);
  fs.writeFileSync(path.join(project, 'store.test.js'), SUITE);
  const args = [JEST, '--rootDir', project, '--watchman=false', '--ci'];
  const options = { cwd: project, env: { ...env, ENGINE: await engine(t) }, timeout: 60000 };
  for (const more of [[], ['--detectOpenHandles']]) {
    const { stderr } = await run(path.join(env.PATH, 'node'), [...args, ...more], options);
    assert.match(stderr, /Tests: +1 passed/);
    assert.doesNotMatch(stderr, /open handle|did not exit|failed to exit/i);
  }
});
