'use strict';

const check = require('./check');
const { readDynamoConfig } = require('./dynamo-config');
const { warnOnce } = require('./warn');

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
  const prototype = Object.getPrototypeOf(options);
  if (prototype !== Object.prototype && prototype !== null) return;
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      warnOnce(`koa-session-dynamodb-store: the option ${prefix}${key} is unknown and has no effect`);
    }
  }
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

module.exports = { readOptions };
