'use strict';

const SECRETS = /^(accessKeyId|secretAccessKey|sessionToken|token|credentials|credentialProvider|tokenProvider|proxy|agent|ca|caPem|params|createTable)$/;

/** Read once: asking the environment costs as much as a tenth of a call. */
const isDebugging = Boolean(process.env.DYNAMODB_STORE_DEBUG);

let key;

/** Tells ids apart within one process without telling what they are. */
function hashed(id) {
  const crypto = require('node:crypto'); // eslint-disable-line global-require -- only when debugging
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

/** Prints a line when `DYNAMODB_STORE_DEBUG` is set. */
function debug(message, details) {
  if (!isDebugging) return;
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

module.exports = { debug, hashed, isDebugging };
