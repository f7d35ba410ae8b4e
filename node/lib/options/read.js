'use strict';

/** The options of the constructor. */
/* eslint global-require: "off" -- files that most applications do without are loaded where they are needed */

const { check, isPlain } = require('./check.js');
const { readDynamoConfig } = require('./dynamo.js');
const { STORE, TABLE } = require('./table.js');

const DEFAULT_TTL_MS = 24 * 60 * 60 * 1000;

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
      const { warnOnce } = require('../warn.js');
      warnOnce(`koa-session-dynamodb-store: the option ${prefix}${key} is unknown and has no effect`);
    }
  }
}

/**
 * The options of the constructor, checked and sorted by who needs them. `layouts` are those of other packages' items
 * that the face can read: by name, what such a table calls its key and how its ids begin.
 */
function readOptions(options = {}, layouts = undefined) {
  check.object(options, 'options');
  const { table = {}, dynamoConfig } = options;
  check.object(table, 'table');
  const known = layouts
    ? { ...STORE, layout: (value, name) => check.oneOf(value, name, Object.keys(layouts)) }
    : STORE;
  warnUnknown(options, ['table', 'dynamoConfig', ...Object.keys(known)], '');
  warnUnknown(table, Object.keys(TABLE), 'table.');

  const store = read(options, known, '');
  const given = { ...layouts?.[store.layout]?.table, ...read(table, TABLE, 'table.') };
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
      prefix: store.prefix ?? layouts?.[store.layout]?.prefix,
      touchAfterMs: store.touchAfter,
      absoluteTtlMs: store.absoluteMaxAge,
      overwrite: store.conflict === 'overwrite' || undefined,
      layout: store.layout,
      operationTimeoutMs: store.operationTimeout ?? dynamo.native.operationTimeoutMs,
      maxConnections: store.maxConnections ?? dynamo.native.maxConnections,
      maxQueue: store.maxQueue,
      retryBudget: store.retryBudget,
      consistentRead: store.consistentRead ?? dynamo.consistentRead,
    },
    // Only what the caller wrote: nothing else may change a live table.
    table: {
      readCapacityUnits: given.readCapacityUnits,
      writeCapacityUnits: given.writeCapacityUnits,
      billingMode: given.billingMode,
      useTtl: given.useTtlExpired,
      createTable: Object.keys(createTable).length
        ? check.json(createTable, 'table.createTable, with dynamoConfig.params,') : undefined,
    },
    provider: dynamo.provider,
    logger: dynamo.logger,
  };
}

module.exports = { readOptions };
