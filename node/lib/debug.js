'use strict';

/** Prints the calls of a store. Loaded only if `DYNAMODB_STORE_DEBUG` is set. */

const crypto = require('node:crypto');

const SECRETS = /^(accessKeyId|secretAccessKey|sessionToken|token|credentials|credentialProvider|tokenProvider|proxy|agent|ca|caPem|params|createTable)$/;

let key;

/** A short hash of an id. It is the same for the same id within one process, and does not reveal the id. */
function hashed(id) {
  key ||= crypto.randomBytes(32);
  return `#${crypto.createHmac('sha256', key).update(String(id)).digest('hex').slice(0, 8)}`;
}

function redact(name, value) {
  if (value !== undefined && value !== null && SECRETS.test(name)) return '<hidden>';
  if (typeof value === 'function') return '<function>';
  // A URL may carry a user and a password.
  if (typeof value === 'string') return value.replace(/\/\/[^/@\s]*@/, '//<hidden>@');
  return value;
}

/** Prints a line. */
function print(message, details) {
  let text = '';
  if (details !== undefined) {
    try {
      text = ` ${JSON.stringify(details, redact)}`;
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

module.exports = { print, result };
