'use strict';

// Options of any value: an error that names the option, or a store. `make audit` tries more of them, with
// OPTIONS_RUNS, under AddressSanitizer.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { binding } = require('../../lib/binding.js');

const runs = { numRuns: Number(process.env.OPTIONS_RUNS ?? 500) };

/** An option that is mostly what it should be: otherwise the first wrong one would hide all others. */
const option = (valid) => fc.oneof(
  { weight: 29, arbitrary: valid },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withDate: true }) },
);

const options = (readers) => fc.record(
  Object.fromEntries(Object.entries(readers).map(([name, valid]) => [name, option(valid)])),
  { requiredKeys: [] },
);

/** These, or now and then one of those. */
const mostly = (valid, ...others) => fc.oneof({ weight: 29, arbitrary: valid }, ...others);

const text = fc.string({ unit: 'binary' });
const ms = mostly(fc.integer({ min: 1, max: 1e6 }), fc.double({ noNaN: true, min: -1, max: 2 ** 53 }));
const count = mostly(fc.integer({ min: 1, max: 100 }), fc.integer(), fc.maxSafeInteger());

const table = options({
  name: mostly(fc.constantFrom('sessions', 'a.b-c_d', 'arn:aws:x'), text),
  hashKey: mostly(fc.constantFrom('id', '#k.x'), text),
  ttlKey: mostly(fc.constantFrom('ends', ':e'), text),
  useTtlExpired: fc.boolean(),
  readCapacityUnits: fc.oneof(count, fc.constant('5')),
  writeCapacityUnits: count,
  billingMode: fc.constantFrom('PROVISIONED', 'PAY_PER_REQUEST'),
  createTable: fc.dictionary(text, fc.anything()),
});

const dynamoConfig = options({
  region: fc.constantFrom('eu-central-1', 'fips-us-east-1', 'local', ''),
  endpoint: mostly(fc.constantFrom('localhost:8000', 'http://[::1]:1/x', '{service}.{region}'), fc.webUrl(), text),
  sslEnabled: fc.boolean(),
  useFipsEndpoint: fc.boolean(),
  useDualstackEndpoint: fc.boolean(),
  accessKeyId: text,
  secretAccessKey: text,
  sessionToken: text,
  credentials: fc.record({ accessKeyId: text, secretAccessKey: text }),
  maxRetries: count,
  retryDelayOptions: fc.record({ base: ms }, { requiredKeys: [] }),
  httpOptions: options({
    connectTimeout: ms, timeout: ms, proxy: mostly(fc.constant('http://a:b@proxy:1'), fc.webUrl(), text), agent: fc.record({ maxSockets: count, options: fc.record({ ca: text }, { requiredKeys: [] }) }, { requiredKeys: [] }),
  }),
  correctClockSkew: fc.boolean(),
  systemClockOffset: fc.integer(),
  customUserAgent: fc.string({ unit: 'grapheme-ascii' }),
  params: fc.dictionary(fc.constantFrom('ConsistentRead', 'Tags', 'TableName', 'x'), fc.anything()),
});

const all = options({
  prefix: mostly(fc.constant('app:'), text),
  consistentRead: fc.boolean(),
  sessionTtl: ms,
  touchAfter: count,
  absoluteMaxAge: count,
  operationTimeout: count,
  maxConnections: count,
  maxQueue: count,
  retryBudget: count,
  conflict: fc.constantFrom('merge', 'overwrite'),
  table,
  dynamoConfig,
});

/** Warnings are for options that have no effect; here there are many. */
const quietly = (run) => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return run();
  } finally {
    process.emitWarning = emitWarning;
  }
};

describe('options of any value', () => {
  it('are refused by name, or make a store', () => {
    let made = 0;
    quietly(() => fc.assert(fc.property(all, (given) => {
      try {
        made += new DynamoDBStore(given) instanceof DynamoDBStore;
      } catch (error) {
        const isOfType = error instanceof TypeError || error instanceof RangeError || error.code === 'ConfigError';
        assert.ok(isOfType, error.stack);
        const { table: t, dynamoConfig: d } = given;
        const names = [given, t, d, d?.httpOptions].flatMap((of) => Object.keys(of ?? {}));
        const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        const isNamed = (name) => error.message.includes(name) || error.message.includes(snake(name));
        assert.ok(names.some(isNamed), `${error.message} names none of ${names}`);
      }
    }), runs));
    assert.ok(made > runs.numRuns / 50, `only ${made} stores`);
  });

  it('are named, as these were not that it has found', () => {
    quietly(() => {
      const agent = { options: { ca: 'no certificate' } };
      assert.throws(() => new DynamoDBStore({ dynamoConfig: { httpOptions: { agent } } }), /^RangeError: dynamoConfig\.httpOptions\.agent: ca/);
      assert.throws(() => new DynamoDBStore({ table: { createTable: { Tags: [1n] } } }), /^TypeError: table\.createTable/);
    });
  });

  it('of the native part are refused, or make a store', () => {
    const names = ['tableName', 'partitionKey', 'ttlAttribute', 'prefix', 'region', 'endpointUrl', 'proxy', 'caPem',
      'userAgentSuffix', 'layout', 'accessKeyId', 'secretAccessKey', 'sessionToken'];
    const numbers = ['connectTimeoutMs', 'firstByteTimeoutMs', 'operationTimeoutMs', 'maxAttempts', 'retryBaseMs', 'retryBudget',
      'maxConnections', 'maxQueue',
      'clockOffsetMs', 'touchAfterMs', 'absoluteTtlMs'];
    const flags = ['consistentRead', 'useFips', 'useDualStack', 'tls', 'correctClockSkew', 'overwrite'];
    const of = (keys, valid) => Object.fromEntries(keys.map((key) => [key, valid]));
    const native = options({ ...of(names, text), ...of(numbers, fc.oneof(count, ms)), ...of(flags, fc.boolean()) });
    fc.assert(fc.property(option(native), (given) => {
      try {
        // Without an environment nothing else would be read.
        assert.ok(new binding.Store(given && { environment: {}, ...given }));
      } catch (error) {
        // A failure as data, or what the conversion of the options threw.
        assert.ok((error.kind === 'Config' || error instanceof Error) && error.message, String(error));
      }
    }), runs);
  });
});
