'use strict';

/** The options of the store and of its table, and how each is checked. Those of `dynamoConfig` are in ./dynamo.js. */

const { check } = require('./check.js');

/** What the native part can count to. */
const MOST = 2 ** 32 - 1;
const RESERVED = ['session', 'created', 'rev'];
const BILLING_MODES = ['PROVISIONED', 'PAY_PER_REQUEST'];
const CONFLICTS = ['merge', 'overwrite'];

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
  touchAfter: check.number,
  absoluteMaxAge: (value, name) => check.number(value, name, { min: 1 }),
  conflict: (value, name) => check.oneOf(value, name, CONFLICTS),
  operationTimeout: (value, name) => check.number(value, name, { min: 1, max: MOST }),
  maxConnections: (value, name) => check.number(value, name, { min: 1, max: MOST }),
  maxQueue: (value, name) => check.number(value, name, { max: MOST }),
  retryBudget: (value, name) => check.number(value, name, { max: MOST }),
};

module.exports = { STORE, TABLE };
