'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- each reader adds to what it is given */
/* eslint global-require: "off" -- see core.js */

/**
 * The options of the constructor: of the store, of its table, and those of `dynamoConfig` that most applications
 * set. The others are in ./dynamo-config.js, which is loaded for who sets one.
 */

function fail(Type, name, rule) {
  throw new Type(`${name} must be ${rule}`);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks of values. Each throws an error that names the option. */
const check = {
  object(value, name) {
    if (!isObject(value)) fail(TypeError, name, 'an object');
    return value;
  },

  string(value, name) {
    if (typeof value !== 'string') fail(TypeError, name, 'a string');
    return value;
  },

  boolean(value, name) {
    if (typeof value !== 'boolean') fail(TypeError, name, 'true or false');
    return value;
  },

  number(value, name, { min = 0, max = Number.MAX_SAFE_INTEGER, integer = true } = {}) {
    if (typeof value !== 'number') fail(TypeError, name, 'a number');
    if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
      fail(RangeError, name, `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
    }
    return value;
  },

  oneOf(value, name, values) {
    check.string(value, name);
    if (!values.includes(value)) fail(RangeError, name, `one of ${values.join(', ')}`);
    return value;
  },

  isText: (value) => typeof value === 'string' && value !== '',
};

const DEFAULT_TTL_MS = 24 * 60 * 60 * 1000;
const RESERVED = ['session', 'created', 'rev'];
const BILLING_MODES = ['PROVISIONED', 'PAY_PER_REQUEST'];

function attribute(value, name) {
  check.string(value, name);
  const length = Buffer.byteLength(value);
  if (length < 1 || length > 255) throw new RangeError(`${name} must be 1 to 255 bytes long`);
  if (RESERVED.includes(value)) throw new RangeError(`${name} must not be "${value}": the store keeps something else there`);
  return value;
}

function tableName(value, name) {
  check.string(value, name);
  if (!/^[\w.-]{3,255}$/.test(value) && !value.startsWith('arn:')) {
    throw new RangeError(`${name} must be 3 to 255 letters, digits, "_", "-" or ".", or a table's ARN`);
  }
  return value;
}

/** Capacity units; numeric strings are taken, as they always were. */
function units(value, name) {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (Number.isNaN(number)) throw new TypeError(`${name} must be a number`);
  return check.number(number, name, { min: 1 });
}

const TABLE = {
  name: tableName,
  hashKey: attribute,
  ttlKey: attribute,
  useTtlExpired: check.boolean,
  readCapacityUnits: units,
  writeCapacityUnits: units,
  autoCreate: check.boolean,
  billingMode: (value, name) => check.oneOf(value, name, BILLING_MODES),
  createTable: check.object,
};

const STORE = {
  prefix: (value, name) => {
    check.string(value, name);
    if (!value.isWellFormed()) throw new RangeError(`${name} must be valid Unicode`);
    return value;
  },
  consistentRead: check.boolean,
  sessionTtl: (value, name) => check.number(value, name, { min: 1, integer: false }),
};

/** The checked values of those options that the caller gave. */
function read(options, readers, prefix) {
  const given = {};
  for (const [key, reader] of Object.entries(readers)) {
    if (options[key] !== undefined) given[key] = reader(options[key], `${prefix}${key}`);
  }
  return given;
}

function warnUnknown(options, known, prefix) {
  // Someone else's object, such as Koa's context for a ContextStore, has keys of its own.
  if (!isPlain(options)) return;
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      const { warnOnce } = require('./warn');
      warnOnce(`koa-session-dynamodb-store: the option ${prefix}${key} is unknown and has no effect`);
    }
  }
}

const ofDynamo = (key) => `dynamoConfig.${key}`;

const envRegion = () => process.env.AWS_REGION || process.env.AMAZON_REGION;

/**
 * `dynamoConfig`: what becomes of an option of the AWS SDK v2's `AWS.DynamoDB`. Each takes the option's value,
 * what was understood so far, and the whole `dynamoConfig`.
 */
const USUAL = {
  region(value, out) {
    check.string(value, ofDynamo('region'));
    // How SDK v2 spells FIPS before it had an option for it.
    const region = value.includes('fips') ? value.replace(/^fips-|-fips$/g, '') : value;
    if (region !== value) out.useFips = true;
    if (region) out.region = region;
  },

  endpoint(value, out, { sslEnabled, region }) {
    // A string, or an AWS.Endpoint.
    const given = typeof value === 'object' ? value.href : value;
    check.string(given, ofDynamo('endpoint'));
    if (!given) return;
    const scheme = sslEnabled === false ? 'http' : 'https';
    const filled = given.replaceAll('{service}', 'dynamodb').replaceAll('{scheme}', scheme)
      .replaceAll('{region}', region || envRegion() || '');
    const url = filled.includes('://') ? filled : `${scheme}://${filled}`;
    // No regular expression and no `new URL`: at a cold start the first of each takes a fifth of a millisecond.
    if (!URL.canParse(url)) throw new RangeError(`${ofDynamo('endpoint')} must be a URL or a host name`);
    if (!['http', 'https'].includes(url.slice(0, url.indexOf(':')).trim().toLowerCase())) {
      throw new RangeError(`${ofDynamo('endpoint')} must be an http or https URL`);
    }
    out.endpointUrl = url;
  },

  sslEnabled(value, out) { out.tls = check.boolean(value, ofDynamo('sslEnabled')); },
  useFipsEndpoint(value, out) { out.useFips = check.boolean(value, ofDynamo('useFipsEndpoint')) || out.useFips; },
  useDualstackEndpoint(value, out) { out.useDualStack = check.boolean(value, ofDynamo('useDualstackEndpoint')); },
  useDualstack(value, out) { out.useDualStack ??= check.boolean(value, ofDynamo('useDualstack')); },

  accessKeyId(value, out, { secretAccessKey, sessionToken }) {
    check.string(value, ofDynamo('accessKeyId'));
    // Like SDK v2: half a pair is none, and the next source is asked.
    if (!check.isText(value) || !check.isText(secretAccessKey)) return;
    out.accessKeyId = value;
    out.secretAccessKey = secretAccessKey;
    if (check.isText(sessionToken)) out.sessionToken = sessionToken;
  },
  secretAccessKey(value) { check.string(value, ofDynamo('secretAccessKey')); },
  sessionToken(value) { check.string(value, ofDynamo('sessionToken')); },
};

function isLoopback({ hostname }) {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);
}

/** Whether its own properties are all that an object has. */
function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/** What `dynamoConfig` comes to: `native` options, and what the glue does itself. */
function readDynamoConfig(config = {}) {
  check.object(config, 'dynamoConfig');
  const out = {};
  // In the table's order, because some rest on others.
  for (const [key, reader] of Object.entries(USUAL)) {
    if (config[key] !== undefined && config[key] !== null) reader(config[key], out, config);
  }
  if (!isPlain(config) || Object.keys(config).some((key) => !USUAL[key])) {
    require('./dynamo-config').readMore(config, out, USUAL);
  }
  const {
    provider, logger, consistentRead, createTable, ...native
  } = out;
  const region = native.region || envRegion() || '';
  const isLocal = region.includes('local');
  if (native.endpointUrl?.startsWith('http:') && !isLocal && !isLoopback(new URL(native.endpointUrl))) {
    const { warnOnce } = require('./warn');
    warnOnce('koa-session-dynamodb-store: dynamoConfig.endpoint is plain http: credentials and sessions can be read on the way. For a local engine use a region that contains "local".');
  }
  return {
    native, provider, logger, consistentRead, createTable, isLocal,
  };
}

/** The options of the constructor, checked and sorted by who needs them. */
function readOptions(options = {}) {
  check.object(options, 'options');
  const { table = {}, dynamoConfig } = options;
  check.object(table, 'table');
  warnUnknown(options, ['table', 'dynamoConfig', ...Object.keys(STORE)], '');
  warnUnknown(table, Object.keys(TABLE), 'table.');

  const given = read(table, TABLE, 'table.');
  const store = read(options, STORE, '');
  const dynamo = readDynamoConfig(dynamoConfig);
  const { hashKey = 'sessionId', ttlKey = 'expires' } = given;
  if (hashKey === ttlKey) throw new RangeError('table.hashKey and table.ttlKey must differ');
  const createTable = { ...dynamo.createTable, ...given.createTable };

  return {
    public: {
      tableName: given.name ?? 'sessions',
      hashKey,
      readCapacityUnits: given.readCapacityUnits ?? 5,
      writeCapacityUnits: given.writeCapacityUnits ?? 5,
      isLocal: dynamo.isLocal,
      useTtlExpired: given.useTtlExpired ?? true,
      autoCreateTable: given.autoCreate ?? false,
    },
    sessionTtl: store.sessionTtl ?? DEFAULT_TTL_MS,
    native: {
      ...dynamo.native,
      tableName: given.name,
      partitionKey: given.hashKey,
      ttlAttribute: given.ttlKey,
      prefix: store.prefix,
      consistentRead: store.consistentRead ?? dynamo.consistentRead,
    },
    // Only what the caller wrote: nothing else may change a live table.
    table: {
      readCapacityUnits: given.readCapacityUnits,
      writeCapacityUnits: given.writeCapacityUnits,
      billingMode: given.billingMode,
      useTtl: given.useTtlExpired,
      createTable: Object.keys(createTable).length ? JSON.stringify(createTable) : undefined,
    },
    provider: dynamo.provider,
    logger: dynamo.logger,
  };
}

module.exports = { check, readDynamoConfig, readOptions };
