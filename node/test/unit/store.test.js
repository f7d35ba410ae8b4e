'use strict';

// The class over a real engine: the thin path, and what is particular to it.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const {
  after, before, describe, it,
} = require('node:test');
const { promisify } = require('node:util');
const AWS = require('aws-sdk');
const dynalite = require('dynalite');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { warningsOf } = require('../support/warnings');

const PACKAGE = require.resolve('koa-session-dynamodb-store');
const run = promisify(execFile);
const server = dynalite({ createTableMs: 50 });
let endpoint;

/** Options for a store on the engine; each table has a name of its own. */
const options = ({ name = 'sessions', table, dynamoConfig } = {}) => ({
  table: { name, ...table },
  dynamoConfig: {
    region: 'local', endpoint, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey', ...dynamoConfig,
  },
});

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${server.address().port}`;
  await new DynamoDBStore(options()).createTableIfDontExists();
});

after(() => server.close());

describe('sessions', () => {
  it('are stored, read and destroyed', async () => {
    const store = new DynamoDBStore(options());
    const session = { user: { name: 'Ada' }, bytes: Buffer.from([1, 255]), list: [1, null] };
    assert.equal(await store.get('a'), undefined);
    assert.deepEqual(await store.set('a', session, 60000, { ctx: {}, changed: true }), {});
    assert.deepEqual(await store.get('a', undefined, { ctx: {} }), session);
    assert.deepEqual(await store.destroy('a', { ctx: {} }), {});
    assert.equal(await store.get('a'), undefined);
    assert.deepEqual(await store.destroy('a'), {});
  });

  it('are stored as they are when set is called', async () => {
    const store = new DynamoDBStore(options());
    const session = { n: 1 };
    const stored = store.set('snapshot', session, 60000);
    session.n = 2;
    await stored;
    assert.deepEqual(await store.get('snapshot'), { n: 1 });
  });

  it('end when getExpirationDate says', () => {
    const store = new DynamoDBStore({ ...options(), sessionTtl: 5000 });
    const second = (ms) => Math.ceil((Date.now() + ms) / 1000) * 1000;
    for (const [maxAge, ms] of [[60000, 60000], [undefined, 5000], ['session', 5000], [NaN, 5000], [-1000, -1000]]) {
      const date = store.getExpirationDate(maxAge);
      assert.ok(date instanceof Date);
      assert.ok(Math.abs(date - second(ms)) <= 1000);
      assert.equal(date % 1000, 0);
    }
    assert.equal(store.getExpirationDate(Infinity).toISOString(), '5138-11-16T09:46:39.000Z');
    assert.throws(() => store.getExpirationDate('1d'), { name: 'TypeError', code: 'InvalidMaxAgeError' });
  });
});

describe('the table', () => {
  it('is created during construction; calls wait; the callback is called once', async () => {
    let called = 0;
    const store = new DynamoDBStore(options({ name: 'auto', table: { autoCreate: true } }), (error) => {
      assert.equal(error, undefined);
      called += 1;
    });
    await store.set('a', { a: 1 }, 60000);
    await store.ready;
    await new Promise((resolve) => { setImmediate(resolve); });
    assert.equal(called, 1);
    assert.equal((await store.isTableCreated()).describeTable.Table.TableStatus, 'ACTIVE');
  });

  it('is created once for stores of one configuration, as ContextStore builds them', async () => {
    const lines = [];
    const logger = { log: (line) => lines.push(line) };
    const config = () => options({ name: 'once', table: { autoCreate: true }, dynamoConfig: { logger } });
    await Promise.all([1, 2, 3].map(() => new DynamoDBStore(config()).ready));
    await new DynamoDBStore(config()).ready;
    assert.equal(lines.filter((line) => line.includes('createTable(')).length, 1);
  });

  it('is null if the table does not exist', async () => {
    assert.equal(await new DynamoDBStore(options({ name: 'none' })).isTableCreated(), null);
  });

  it('failing to be created reaches callback, ready and waiting calls', async () => {
    const config = options({ name: 'fails', table: { autoCreate: true }, dynamoConfig: { endpoint: 'http://127.0.0.1:1', maxRetries: 0 } });
    let error;
    const store = new DynamoDBStore(config, (given) => { error = given; });
    await assert.rejects(store.get('a'), { message: 'Unable to get session.', code: 'NetworkingError' });
    await assert.rejects(store.set('a', {}), { code: 'NetworkingError' });
    await assert.rejects(store.ready, { code: 'NetworkingError' });
    assert.equal(error.code, 'NetworkingError');
    const silent = await warningsOf(async () => {
      await assert.rejects(new DynamoDBStore(config).ready);
    });
    assert.equal(silent.length, 1);
    assert.match(silent[0], /table was not created/);
  });

  it('errors of createTableIfDontExists go to its callback, or to its promise', async () => {
    const store = new DynamoDBStore(options({ dynamoConfig: { endpoint: 'http://127.0.0.1:1', maxRetries: 0 } }));
    await assert.rejects(store.createTableIfDontExists(), { code: 'NetworkingError' });
    const error = await new Promise((resolve) => { store.createTableIfDontExists(resolve); });
    assert.equal(error.code, 'NetworkingError');
  });
});

describe('credentials that are asked for', () => {
  const asked = (credentials) => new DynamoDBStore(options({
    dynamoConfig: { accessKeyId: undefined, secretAccessKey: undefined, ...credentials },
  }));

  it('of an async function, once for all who wait', async () => {
    let calls = 0;
    const store = asked({
      credentials: async () => {
        calls += 1;
        return { accessKeyId: 'a', secretAccessKey: 'b' };
      },
    });
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.get(`id${i}`)));
    assert.equal(calls, 1);
  });

  it('of AWS.Credentials and a provider chain of the AWS SDK v2', async () => {
    await asked({ credentials: new AWS.Credentials('a', 'b') }).get('x');
    const chain = new AWS.CredentialProviderChain([() => new AWS.Credentials('a', 'b', 'c')]);
    await asked({ credentialProvider: chain }).get('x');
  });

  const refused = new Error('not today');
  const BAD = {
    rejection: [async () => { throw refused; }, (cause) => assert.equal(cause, refused)],
    throw: [() => { throw refused; }, (cause) => assert.equal(cause, refused)],
    garbage: [async () => ({ accessKeyId: 5 }), (cause) => assert.match(cause.message, /accessKeyId/)],
    nothing: [async () => undefined, (cause) => assert.match(cause.message, /accessKeyId/)],
    'a bad date': [async () => ({ accessKeyId: 'a', secretAccessKey: 'b', expiration: 'soon' }), (cause) => assert.match(cause.message, /date/)],
  };
  for (const [name, [provider, check]] of Object.entries(BAD)) {
    it(`${name} is a CredentialsError with the provider's own error as cause`, async () => {
      await assert.rejects(asked({ credentials: provider }).set('x', {}), (error) => {
        assert.equal(error.code, 'CredentialsError');
        check(error.cause);
        return true;
      });
    });
  }
});

describe('the process', () => {
  const silent = async (t) => {
    const sockets = [];
    const listener = net.createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => {
      sockets.forEach((socket) => socket.destroy());
      listener.close();
    });
    return `http://127.0.0.1:${listener.address().port}`;
  };
  const script = (url, body) => run(process.execPath, ['-e', `
    const { Worker } = require('node:worker_threads');
    const DynamoDBStore = require(${JSON.stringify(PACKAGE)});
    const store = new DynamoDBStore(${JSON.stringify(options({ dynamoConfig: { endpoint: url } }))});
    ${body}`], { timeout: 20000 });

  it('ends by itself: only required, idle, or when the calls are done', async () => {
    await script(endpoint, '');
    assert.equal((await script(endpoint, 'store.get("x").then(console.log)')).stdout, 'undefined\n');
  });

  it('can exit during a request', async (t) => {
    await assert.rejects(script(await silent(t), 'for (let i = 0; i < 50; i += 1) store.get("x"); setTimeout(() => process.exit(7), 20)'), { code: 7 });
  });

  it('can end a worker during a request', async (t) => {
    const url = await silent(t);
    const { stdout } = await script(url, `
      const code = 'const Store = require(' + ${JSON.stringify(JSON.stringify(PACKAGE))} + ');'
        + 'const store = new Store(require("node:worker_threads").workerData);'
        + 'for (let i = 0; i < 50; i += 1) store.get("x"); setTimeout(() => process.exit(), 20)';
      const workerData = ${JSON.stringify(options({ dynamoConfig: { endpoint: url } }))};
      const one = () => new Promise((resolve) => new Worker(code, { eval: true, workerData }).on('exit', resolve));
      (async () => { for (let i = 0; i < 5; i += 1) await one(); console.log('done'); })();`);
    assert.equal(stdout, 'done\n');
  });

  it('DYNAMODB_STORE_DEBUG shows no secrets, ids or data', async () => {
    const { stdout } = await run(process.execPath, ['-e', `
      const store = new (require(${JSON.stringify(PACKAGE)}))(${JSON.stringify(options({ dynamoConfig: { secretAccessKey: 'SECRETKEY' } }))});
      store.set('the-id', { data: 'the-data' }, 1000).then(() => store.get('the-id'))`], { env: { ...process.env, DYNAMODB_STORE_DEBUG: '1' } });
    assert.match(stdout, / - DYNAMODB_STORE: Initializing store/);
    assert.match(stdout, / - DYNAMODB_STORE: get .*"found":true/);
    assert.doesNotMatch(stdout, /SECRETKEY|dummyKey|the-id|the-data/);
  });
});

it('close waits for the calls under way', async () => {
  const store = new DynamoDBStore(options());
  let done = false;
  store.set('closing', { a: 1 }, 60000).then(() => { done = true; });
  await store.close();
  assert.equal(done, true);
});

it('dynamoConfig.logger sees a line for each request, without the item', async () => {
  const lines = [];
  const store = new DynamoDBStore(options({ dynamoConfig: { logger: { write: (line) => lines.push(line) } } }));
  await store.set('logged-id', { data: 'logged-data' }, 60000);
  assert.match(lines[0], /^\[AWS dynamodb 200 \d\.\d{3}s 0 retries\] putItem\(\{ TableName: 'sessions' \}\)\n$/);
  assert.doesNotMatch(lines.join(), /logged/);
});
