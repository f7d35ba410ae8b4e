'use strict';

/** What the options of the constructor come to. */
/* eslint global-require: "off" -- files that most applications do without are loaded where they are needed */

const {
  carried, check, checked, isPlain,
} = require('./check.js');
const { readDynamoConfig } = require('./dynamo.js');
const { STORE, TABLE } = require('./table.js');

/**
 * @typedef {object} Read What the options come to.
 * @property {import('../../types/common').Properties} public The properties of the store.
 * @property {number} sessionTtl
 * @property {import('../../binding').StoreOptions} native
 * @property {import('../../binding').TableOptions} table
 * @property {object} [provider] A source of credentials.
 * @property {object} [logger]
 */

/**
 * @typedef {object} Layouts Those of ../layouts/index.js, and the option that selects one.
 * @property {{ [name: string]: { table?: Record<string, string>, prefix?: string } }} LAYOUTS
 * @property {import('./table').Row} OPTION
 */

/** The name under which an option was given: its own, or its older one. */
function givenName(options, name, alias, prefix) {
  if (!alias || options[alias] === undefined) return name;
  if (options[name] !== undefined && options[name] !== options[alias]) {
    throw new RangeError(`${prefix}${name} and ${prefix}${alias} must be equal: the second is the older name of the first`);
  }
  return alias;
}

/**
 * The checked values of the options that the caller gave.
 *
 * @returns {Record<string, any>}
 */
function read(options, rows, prefix) {
  const given = {};
  for (const [name, row] of Object.entries(rows)) {
    const key = givenName(options, name, row.alias, prefix);
    if (options[key] !== undefined) given[name] = checked(options[key], `${prefix}${key}`, row);
  }
  return given;
}

function warnUnknown(options, rows, prefix, others = []) {
  // Someone else's object, such as Koa's context for a ContextStore, has keys of its own.
  if (!isPlain(options)) return;
  const aliases = Object.values(rows).map(({ alias }) => alias);
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(rows, key) && !aliases.includes(key) && !others.includes(key)) {
      const { warnOnce } = require('../warn.js');
      warnOnce(`koa-session-dynamodb-store: the option ${prefix}${key} is unknown and has no effect`);
    }
  }
}

/** The native options that carry what was given. */
function fields(given, rows) {
  const native = {};
  for (const [name, row] of Object.entries(rows)) {
    if (row.field && given[name] !== undefined) native[row.field] = carried(given[name], row);
  }
  return native;
}

/**
 * The native options of the table. Only what the caller wrote: nothing else may change a live table.
 *
 * @returns {import('../../binding').TableOptions}
 */
function tableOptions(given, createTable) {
  const options = /** @type {Record<string, any>} */ ({});
  for (const [name, { tableField }] of Object.entries(TABLE)) if (tableField) options[tableField] = given[name];
  const merged = { ...createTable, ...given.createTable };
  options.createTable = undefined;
  if (Object.keys(merged).length > 0) {
    try {
      options.createTable = JSON.stringify(merged);
    } catch {
      throw new TypeError('table.createTable, with dynamoConfig.params, must be an object that JSON can express');
    }
  }
  return options;
}

/**
 * The properties of the store that show its options.
 *
 * @returns {any}
 */
function properties(given) {
  const shown = {};
  for (const [name, row] of Object.entries(TABLE)) if (row.property) shown[row.property] = given[name] ?? row.default;
  return shown;
}

/**
 * The options of the constructor, checked and sorted by who needs them. `layouts` are those of other packages' items
 * that the adapter can read: each has defaults of the options `table` and `prefix`.
 *
 * @param {import('../../types/common').ExpressOptions} [options]
 * @param {Layouts} [layouts]
 * @returns {Read}
 */
function readOptions(options = {}, layouts = undefined) {
  check.object(options, 'options');
  const { table = {}, dynamoConfig } = options;
  check.object(table, 'table');
  const rows = layouts ? { ...STORE, layout: layouts.OPTION } : STORE;
  warnUnknown(options, rows, '', ['table', 'dynamoConfig']);
  warnUnknown(table, TABLE, 'table.');

  const store = read(options, rows, '');
  const adopted = layouts?.LAYOUTS[store.layout];
  store.prefix ??= adopted?.prefix;
  const given = { ...adopted?.table, ...read(table, TABLE, 'table.') };
  const dynamo = readDynamoConfig(dynamoConfig);

  return {
    public: { ...properties(given), isLocal: dynamo.isLocal },
    sessionTtl: store.sessionTtl ?? STORE.sessionTtl.default,
    native: {
      consistentRead: dynamo.consistentRead, ...dynamo.native, ...fields(given, TABLE), ...fields(store, rows),
    },
    table: tableOptions(given, dynamo.createTable),
    provider: dynamo.provider,
    logger: dynamo.logger,
  };
}

module.exports = { readOptions };
