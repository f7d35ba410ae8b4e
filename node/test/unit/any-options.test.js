'use strict';

// Options of any value: an error that names the option, or a store. `make audit` tries more of them, with
// OPTIONS_RUNS, under AddressSanitizer.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const DynamoDBStore = require('../../index.js');
const { internal: { binding } } = require('../../index.js');

const runs = { numRuns: Number(process.env.OPTIONS_RUNS ?? 500) };

/** An option that is mostly what it should be: otherwise the first wrong one would hide all others. */
const option = (valid) => fc.oneof(
  { weight: 9, arbitrary: valid },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withDate: true }) },
);

const options = (readers) => fc.record(
  Object.fromEntries(Object.entries(readers).map(([name, valid]) => [name, option(valid)])),
  { requiredKeys: [] },
);

const text = fc.string({ unit: 'binary' });
const ms = fc.double({ noNaN: true, min: -1, max: 2 ** 53 });
const count = fc.oneof(fc.integer(), fc.maxSafeInteger());

const table = options({
  name: fc.oneof(fc.constantFrom('sessions', 'a.b-c_d', 'arn:aws:x'), text),
  hashKey: text,
  ttlKey: text,
  useTtlExpired: fc.boolean(),
  readCapacityUnits: fc.oneof(count, fc.constant('5')),
  writeCapacityUnits: count,
  billingMode: fc.constantFrom('PROVISIONED', 'PAY_PER_REQUEST'),
  createTable: fc.dictionary(text, fc.anything()),
});

const dynamoConfig = options({
  region: fc.constantFrom('eu-central-1', 'fips-us-east-1', 'local', ''),
  endpoint: fc.oneof(fc.webUrl(), fc.constantFrom('localhost:8000', 'http://[::1]:1/x', '{service}.{region}'), text),
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
    connectTimeout: ms, timeout: ms, proxy: fc.oneof(fc.webUrl({ validSchemes: ['http'] }), text), agent: fc.record({ options: fc.record({ ca: text }) }),
  }),
  correctClockSkew: fc.boolean(),
  systemClockOffset: count,
  customUserAgent: fc.string(),
  params: fc.dictionary(fc.constantFrom('ConsistentRead', 'Tags', 'TableName', 'x'), fc.anything()),
});

const all = options({
  prefix: text,
  consistentRead: fc.boolean(),
  sessionTtl: ms,
  touchAfter: count,
  absoluteMaxAge: count,
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
        const names = [given, given.table, given.dynamoConfig].flatMap((of) => Object.keys(of ?? {}));
        const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        const isNamed = (name) => error.message.includes(name) || error.message.includes(snake(name));
        assert.ok(names.some(isNamed), `${error.message} names none of ${names}`);
      }
    }), runs));
    assert.ok(made > 0);
  });

  it('of the native part are refused, or make a store', () => {
    const names = ['tableName', 'partitionKey', 'ttlAttribute', 'prefix', 'region', 'endpointUrl', 'proxy', 'caPem',
      'userAgentSuffix', 'layout', 'accessKeyId', 'secretAccessKey', 'sessionToken'];
    const numbers = ['connectTimeoutMs', 'firstByteTimeoutMs', 'operationTimeoutMs', 'maxAttempts', 'retryBaseMs',
      'clockOffsetMs', 'touchAfterMs', 'absoluteTtlMs'];
    const flags = ['consistentRead', 'useFips', 'useDualStack', 'tls', 'correctClockSkew', 'overwrite'];
    const of = (keys, valid) => Object.fromEntries(keys.map((key) => [key, valid]));
    const native = options({ ...of(names, text), ...of(numbers, fc.oneof(count, ms)), ...of(flags, fc.boolean()) });
    fc.assert(fc.property(option(native), (given) => {
      try {
        assert.ok(new binding.Store(given));
      } catch (error) {
        assert.ok(error instanceof Error && error.message, String(error));
      }
    }), runs);
  });
});
