'use strict';

/** Prints the calls of a store. Loaded only if `DYNAMODB_STORE_DEBUG` is set. */

const crypto = require('node:crypto');

const layouts = require('./layouts/index.js');
const { DYNAMO, STORE, TABLE } = require('./options/table.js');

const OPTIONS = {
  ...STORE, ...layouts.OPTIONS, table: { members: TABLE }, dynamoConfig: { members: DYNAMO },
};

const HIDDEN = '<hidden>';

let key;

/** A short hash of an id. It is the same for the same id within one process, and does not reveal the id. */
function hashed(id) {
  key ||= crypto.randomBytes(32);
  return `#${crypto.createHmac('sha256', key).update(String(id)).digest('hex').slice(0, 8)}`;
}

/** Text without what an address may carry: a user and a password before the last `@`, and what follows the path. */
const withoutSecrets = (text) => text
  .replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, `$1${HIDDEN}@`)
  .replace(/[?#].*$/s, `?${HIDDEN}`);

/** The value of an option for `print`: only what the table of options knows as plain and not secret. */
function shown(value, row) {
  if (value === undefined || value === null) return value;
  if (row?.members) return optionsOf(value, row.members);
  if (!row || row.isSecret || row.type === 'object') return HIDDEN;
  if (typeof value === 'string') return withoutSecrets(value);
  return ['number', 'boolean'].includes(typeof value) ? value : HIDDEN;
}

/** The options of a constructor for `print`. What is not a known option is shown by its name. */
function optionsOf(given, rows = OPTIONS) {
  if (typeof given !== 'object' || given === null) return HIDDEN;
  const rowOf = (name) => (Object.hasOwn(rows, name) ? rows[name] : undefined);
  return Object.fromEntries(Object.keys(given).map((name) => [name, shown(given[name], rowOf(name))]));
}

/** Prints a line. */
function print(message, details) {
  let text = '';
  if (details !== undefined) {
    try {
      text = ` ${JSON.stringify(details)}`;
    } catch {
      text = ' <not printable>';
    }
  }
  console.log(`${new Date()} - DYNAMODB_STORE: ${message}${text}`); // eslint-disable-line no-console
}

/**
 * Prints the result of a call for a session. Prints nothing if the call fails: its error is printed elsewhere.
 *
 * @template T
 * @param {string} call
 * @param {string} id
 * @param {Promise<T>} promise
 * @param {object} [details]
 * @returns {Promise<T>}
 */
async function result(call, id, promise, details = {}) {
  const value = await promise;
  print(call, { id: hashed(id), ...details, ...(call === 'get' && { found: value !== undefined }) });
  return value;
}

module.exports = { optionsOf, print, result };
