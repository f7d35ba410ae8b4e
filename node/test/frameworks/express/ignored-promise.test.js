'use strict';

// A call without a callback whose promise nobody asks for: its failure is a warning, and the process goes on.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { runScript } = require('../../support/subprocess');

// Nothing listens on port 9 of this machine.
const OPTIONS = {
  dynamoConfig: {
    region: 'local', endpoint: 'http://127.0.0.1:9', accessKeyId: 'a', secretAccessKey: 'b', maxRetries: 0,
  },
};

const CALLS = {
  get: ['id'],
  set: ['id', { cookie: {} }],
  touch: ['id', { cookie: {} }],
  destroy: ['id'],
  load: ['id'],
  all: [],
  length: [],
  clear: [],
  deleteExpired: [],
  regenerate: [{ sessionID: 'id' }],
};

const ignored = async (Store, options, name, args) => {
  const ExpressStore = require('koa-session-dynamodb-store/express'); // eslint-disable-line global-require
  const store = new ExpressStore(options);
  store.generate = () => {};
  process.on('warning', ({ code, message }) => console.log(`${code}: ${message}`));
  store[name](...args);
};

const handled = async (Store, options, name, args) => {
  const ExpressStore = require('koa-session-dynamodb-store/express'); // eslint-disable-line global-require
  const ways = [
    async (call) => { await call(); },
    (call) => call().then(() => {}),
    (call) => Promise.all([call()]),
    (call) => new Promise((resolve, reject) => { call().catch(reject); }),
  ];
  process.on('warning', ({ code, message }) => console.log(`${code}: ${message}`));
  for (const way of ways) {
    const store = new ExpressStore(options);
    store.generate = () => {};
    await way(() => store[name](...args)).catch((error) => console.log(error.code));
  }
};

describe('an ignored promise', () => {
  for (const [name, args] of Object.entries(CALLS)) {
    it(`${name}: the failure is a warning, and the process goes on`, async () => {
      const end = await runScript(ignored, [OPTIONS, name, args]);
      assert.equal(end.code, 0, end.stderr);
      assert.match(end.stdout, /^DYNAMODB_STORE: koa-session-dynamodb-store: .+ failed without a callback to report it to: NetworkingError\n$/);
    });

    it(`${name}: whoever asks gets the error, and no warning`, async () => {
      const end = await runScript(handled, [OPTIONS, name, args]);
      assert.equal(end.code, 0, end.stderr);
      assert.equal(end.stdout, 'NetworkingError\n'.repeat(4));
    });
  }
});
