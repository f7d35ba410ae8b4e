'use strict';

/* eslint global-require: "off" -- what few applications set is loaded when it is */

/** What the options of the constructor come to. */

const {
  carried, check, checked, refuseUnknown,
} = require('./check.js');
const { readDynamoConfig } = require('./dynamo.js');
const { STORE, TABLE } = require('./table.js');

/**
 * @typedef {object} Read What the options come to.
 * @property {import('../../types/common').Properties} public The properties of the store.
 * @property {number} sessionTtl
 * @property {Computing} [computing] What is computed of each session.
 * @property {import('../../binding').StoreOptions} native
 * @property {import('../../binding').TableOptions} table
 * @property {string} [region] The Region that the options or the environment say.
 * @property {object} [provider] A source of credentials.
 * @property {Function} [keySource] A function that returns encryption keys.
 * @property {object} [logger]
 */

/**
 * @typedef {object} Computing
 * @property {Record<string, any>} [attributes]
 * @property {any} [ttl]
 * @property {any} [users]
 */

/**
 * @typedef {object} Layout
 * @property {Record<string, string>} [table]
 * @property {string} [prefix]
 * @property {(values: Record<string, any>) => Record<string, Function> | undefined} [attributes]
 */

/**
 * @typedef {object} Layouts Those of ../layouts/index.js, and the options that go with them.
 * @property {{ [name: string]: Layout }} LAYOUTS
 * @property {Record<string, import('./table').Row>} OPTIONS
 */

/*
 * Each loop over the rows is one of Object.keys: every process runs these once, in the interpreter, where
 * Object.entries takes several times as long.
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
 * The checked values of the options in `rows`, and the native options that carry them. `defaults` are those that the
 * layout demands.
 *
 * @returns {{ values: Record<string, any>, native: Record<string, any> }}
 */
function read(options, rows, prefix, defaults = {}) {
  const values = {};
  const native = {};
  for (const name of Object.keys(rows)) {
    const row = rows[name];
    const key = givenName(options, name, row.alias, prefix);
    const value = options[key] === undefined ? defaults[name] : checked(options[key], `${prefix}${key}`, row);
    if (value !== undefined) {
      values[name] = value;
      if (row.field) native[row.field] = carried(value, row);
    }
  }
  return { values, native };
}

/** The names of options in `rows`, by which they are known. */
const isIn = (rows, others = []) => (key) => Object.hasOwn(rows, key) || others.includes(key)
  || Object.values(rows).some(({ alias }) => alias === key);

/**
 * The native options of the table. Only what the caller wrote: nothing else may change a live table.
 *
 * @returns {import('../../binding').TableOptions}
 */
function tableOptions(values, createTable) {
  const options = /** @type {Record<string, any>} */ ({});
  for (const name of Object.keys(values)) {
    const { tableField } = TABLE[name];
    if (tableField) options[tableField] = values[name];
  }
  const merged = { ...createTable, ...values.createTable };
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
function properties(values) {
  const shown = {};
  for (const name of Object.keys(TABLE)) {
    const row = TABLE[name];
    if (row.property) shown[row.property] = values[name] ?? row.default;
  }
  return shown;
}

/** How many sessions a user can have, of the option `users`, which is checked here. */
function maxOf(users) {
  const { members } = STORE.users;
  refuseUnknown(users, (key) => Object.hasOwn(members, key), 'users.');
  for (const name of Object.keys(members)) {
    if (users[name] !== undefined) checked(users[name], `users.${name}`, members[name]);
  }
  if (users.of === undefined) {
    throw new TypeError('users.of must be given: a function that returns the id of the user whose session it gets, or undefined');
  }
  return users.max ?? members.max.default;
}

/**
 * What is computed of each session; undefined where nothing is.
 *
 * @param {Record<string, any>} values
 * @param {Layout} [layout]
 * @returns {Computing | undefined}
 */
function computingOf(values, layout) {
  if (values.specialKeys && !layout?.attributes) {
    throw new RangeError('specialKeys belongs to layout: \'connect-dynamodb\'. Write attributes');
  }
  const ofLayout = layout?.attributes?.(values);
  const attributes = ofLayout ? { ...ofLayout, ...values.attributes } : values.attributes;
  const { ttl, users } = values;
  return attributes || ttl !== undefined || users ? { attributes, ttl, users } : undefined;
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
  if (typeof table === 'string') throw new TypeError('table must be an object: write table.name');
  check.object(table, 'table');
  const rows = layouts ? { ...STORE, ...layouts.OPTIONS } : STORE;
  refuseUnknown(options, isIn(rows, ['table', 'dynamoConfig']), '');
  refuseUnknown(table, isIn(TABLE), 'table.');

  const store = read(options, rows, '');
  const adopted = layouts?.LAYOUTS[store.values.layout];
  if (adopted) store.native.prefix ??= adopted.prefix;
  if (store.values.users) store.native.maxUserSessions = maxOf(store.values.users);
  const computing = computingOf(store.values, adopted);
  const encryption = store.values.encryption && require('./encryption.js').readEncryption(store.values.encryption);
  const ofTable = read(table, TABLE, 'table.', adopted?.table);
  const dynamo = readDynamoConfig(dynamoConfig);

  return {
    public: { ...properties(ofTable.values), isLocal: dynamo.isLocal },
    sessionTtl: store.values.sessionTtl ?? STORE.sessionTtl.default,
    computing,
    native: {
      environment: dynamo.environment,
      consistentRead: dynamo.consistentRead,
      ...dynamo.native,
      ...ofTable.native,
      ...store.native,
      encryption: encryption?.native,
    },
    table: tableOptions(ofTable.values, dynamo.createTable),
    region: dynamo.region,
    provider: dynamo.provider,
    keySource: encryption?.keySource,
    logger: dynamo.logger,
  };
}

module.exports = { readOptions };
