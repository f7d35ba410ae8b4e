'use strict';

// Fake timers in the process that serves requests: `jest.useFakeTimers()`, and what sinon and vitest replace.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { useEngine } = require('../../support/engine');
const { local } = require('../../support/options');
const { runScript } = require('../../support/subprocess');
const useTable = require('../../support/table');

const engine = useEngine();
const table = useTable(engine, 'faketimers');

// Each way of asking, with the timers replaced after the package was loaded.
const everything = async (Store, options) => {
  const ExpressStore = require('koa-session-dynamodb-store/express'); // eslint-disable-line global-require
  process.nextTick = () => {};
  for (const name of ['setImmediate', 'setTimeout', 'clearTimeout', 'setInterval']) globalThis[name] = () => 0;
  const store = new ExpressStore(options);
  const session = { cookie: { originalMaxAge: 60000 }, views: 1 };
  const asked = (call) => new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
  await asked((callback) => store.createTableIfDontExists(callback));
  await asked((callback) => store.set('a', session, callback));
  const { views } = await asked((callback) => store.get('a', callback));
  await asked((callback) => store.touch('a', session, callback));
  await asked((callback) => store.destroy('a', callback));
  await store.close();
  const unused = new Store(options);
  await unused.close();
  console.log(`done ${views}`);
};

it('every call answers, and close() of an idle store ends', async () => {
  const end = await runScript(everything, [local(engine.endpoint, table.name)]);
  assert.deepEqual([end.stdout, end.stderr], ['done 1\n', '']);
});
