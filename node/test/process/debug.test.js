'use strict';

// DYNAMODB_STORE_DEBUG prints what the store does, without secrets.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { useEngine } = require('../support/engine');
const { local } = require('../support/options');
const { failure, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');
const useTable = require('../support/table');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'debug');

const SECRETS = {
  accessKeyId: 'CANARYKEY', secretAccessKey: 'CANARYSECRET', sessionToken: 'CANARYTOKEN',
};

// Calls everything that a store can do, with success and with failure.
const everything = async (Store, name, endpoint, secrets) => {
  const config = { region: 'us-east-1', endpoint, maxRetries: 0 };
  const make = (dynamoConfig, more) => new Store({
    table: { name, createTable: { Tags: [{ Key: 'k', Value: 'CANARYTAG' }] } }, dynamoConfig, ...more,
  }, () => {});
  const stores = [
    make({ ...config, ...secrets }),
    make({ ...config, credentials: secrets }),
    make({ ...config, credentials: async () => secrets }),
    make({ ...config, credentials: async () => { throw new Error('no credentials'); } }),
    make({ ...config, ...secrets, params: { Tags: [{ Key: 'k', Value: 'CANARYTAG' }] } }),
  ];
  const session = { note: 'CANARYDATA', nested: { CANARYFIELD: Buffer.from('CANARYBYTES') } };
  for (const store of stores) {
    await store.createTableIfDontExists().catch(() => {});
    await store.set('CANARYID', session, 60000, { ctx: {} }).catch(() => {});
    await store.set('CANARYID2', { big: 'CANARYDATA'.repeat(50000) }, 60000, { ctx: {} }).catch(() => {});
    await store.set('CANARYID3', { big: 1e300, note: 'CANARYDATA' }, 60000, { ctx: {} }).catch(() => {});
    await store.get('CANARYID').catch(() => {});
    await store.get('CANARYMISSING').catch(() => {});
    await store.destroy('CANARYID').catch(() => {});
    await store.isTableCreated().catch(() => {});
  }
  console.log('THE END');
};

const CANARIES = /CANARY|Q0FOQVJZ/;

it('prints what the store does, without secrets, ids and data', async () => {
  recorder.reset();
  const end = await runScript(everything, [table.name, recorder.endpoint, SECRETS], { env: { DYNAMODB_STORE_DEBUG: '1' } });
  assert.equal(end.code, 0);
  assert.match(end.stdout, /DYNAMODB_STORE: /);
  assert.match(end.stdout, /Initializing store/);
  assert.match(end.stdout, /\bget\b/);
  assert.match(end.stdout, /\bset\b/);
  assert.match(end.stdout, /\bdestroy\b/);
  assert.match(end.stdout, /THE END/);
  assert.doesNotMatch(end.stdout, CANARIES);
  assert.doesNotMatch(end.stderr, CANARIES);
});

it('prints no secrets when the service fails', async () => {
  recorder.reset();
  ['GetItem', 'PutItem', 'DeleteItem', 'DescribeTable'].forEach((operation) => {
    recorder.answer(operation, failure('AccessDeniedException', 'not authorized'));
  });
  const end = await runScript(everything, [table.name, recorder.endpoint, SECRETS], { env: { DYNAMODB_STORE_DEBUG: '1' } });
  assert.equal(end.code, 0);
  assert.match(end.stdout, /AccessDeniedException/);
  assert.doesNotMatch(end.stdout + end.stderr, CANARIES);
});

it('prints nothing without the variable', async () => {
  recorder.reset();
  const end = await runScript(everything, [table.name, recorder.endpoint, SECRETS]);
  assert.deepEqual(end, {
    code: 0, signal: null, stdout: 'THE END\n', stderr: '',
  });
});

it('an endpoint with a password is shown without it', async () => {
  const end = await runScript((Store, options) => {
    try {
      new Store(options); // eslint-disable-line no-new
    } catch (err) {
      console.log(err.message);
    }
  }, [local(recorder.endpoint.replace('//', '//CANARYUSER:CANARYPASSWORD@'), table.name)], { env: { DYNAMODB_STORE_DEBUG: 'yes' } });
  assert.equal(end.code, 0);
  assert.doesNotMatch(end.stdout + end.stderr, CANARIES);
});

it('a logger gets a line for each request, without the item', async () => {
  recorder.reset();
  const end = await runScript(async (Store, options) => {
    const logger = { log: (line) => console.log(line) };
    const store = new Store({ ...options, dynamoConfig: { ...options.dynamoConfig, logger } });
    await store.set('CANARYIDLOGGED', { note: 'CANARYDATA' }, 60000, { ctx: {} });
    await store.get('CANARYIDLOGGED');
    await store.close();
    setImmediate(() => {});
  }, [local(recorder.endpoint, table.name, { dynamoConfig: SECRETS })]);
  assert.equal(end.code, 0);
  assert.equal(end.stderr, '');
  const lines = end.stdout.trim().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[0], /^\[AWS dynamodb 200 [\d.]+s 0 retries\] putItem\(/);
  assert.match(lines[1], /^\[AWS dynamodb 200 [\d.]+s 0 retries\] getItem\(/);
  assert.doesNotMatch(end.stdout, CANARIES);
});

// Whatever an option is called, and wherever a URL has its password.
const CARELESS = [
  { dynamoConfig: { endpoint: 'http://CANARYUSER:CANARY/PASS@WORD@localhost:1' } },
  { dynamoConfig: { endpoint: 'CANARYUSER:CANARYPASSWORD@localhost:1' } },
  { dynamoConfig: { endpoint: 'http://localhost:1/?token=CANARYTOKEN' } },
  { dynamoConfig: { endpoint: { href: 'http://u:CANARYPASSWORD@localhost:1' } } },
  { dynamoConfig: { httpOptions: { proxy: 'http://u:CANARY/PASSWORD@localhost:1' } } },
  { dynamoConfig: { httpOptions: { proxyPassword: 'CANARYPASSWORD' } } },
  { dynamoConfig: { credentials: { accessKeyId: 'CANARYKEY', secretAccessKey: 'CANARYSECRET', sesionToken: 'CANARYTOKEN' } } },
  { dynamoConfig: { secretAcessKey: 'CANARYSECRET', logger: { log() {}, apiKey: 'CANARYKEY' } } },
  { apiKey: 'CANARYKEY', list: ['CANARYKEY'], nested: { password: 'CANARYPASSWORD' } },
  { table: { password: 'CANARYPASSWORD' } },
  { table: 'CANARYPASSWORD' },
  'CANARYPASSWORD',
];

it('unknown options, a logger and URLs are shown without what they hold', async () => {
  const end = await runScript((Store, cases) => {
    for (const given of cases) {
      const { dynamoConfig } = given;
      // Functions do not survive the way into this process.
      if (dynamoConfig?.logger) dynamoConfig.logger.log = () => {};
      try {
        new Store(given); // eslint-disable-line no-new
      } catch (error) {
        console.log(error.message);
      }
    }
    console.log('THE END');
  }, [CARELESS], { env: { DYNAMODB_STORE_DEBUG: '1' } });
  assert.match(end.stdout, /THE END/);
  assert.equal(end.stdout.match(/Initializing store/g).length, CARELESS.length);
  assert.match(end.stdout, /"apiKey":"<hidden>"/);
  assert.doesNotMatch(end.stdout + end.stderr, CANARIES);
});
