'use strict';

/** The option `encryption`. Loaded only if it is set. */

const {
  check, checked, refuseUnknown,
} = require('./check.js');
const { STORE } = require('./table.js');

const name = (key) => `encryption.${key}`;

/**
 * Keys in the form that the native part takes. No message shows a key.
 *
 * @returns {import('../../binding').GivenKey[]}
 */
function keysOf(given, what) {
  if (!Array.isArray(given)) throw new TypeError(`${what} must be an array of { id, key }`);
  return given.map((entry) => {
    const { id, key } = check.object(entry, `each of ${what}`);
    if (typeof id !== 'string') throw new TypeError(`each of ${what} must have an id, a string of 1 to 4 characters`);
    if (typeof key === 'string') return { id, key };
    if (!(key instanceof Uint8Array)) {
      throw new TypeError(`each of ${what} must have a key: 32 bytes, as a Buffer or in base64. \`dynamodb-session keys generate\` prints one`);
    }
    return { id, key: Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64') };
  });
}

/** The KMS keys of `{ kms }`: the first one wraps data keys, each unwraps them. */
function kmsKeysOf(given) {
  refuseUnknown(given, (key) => key === 'kms', `${name('keys')}.`);
  const keys = Array.isArray(given.kms) ? given.kms : [given.kms];
  if (keys.length === 0 || keys.some((key) => typeof key !== 'string' || key === '')) {
    throw new TypeError(`${name('keys')}.kms must be the id, the alias (alias/…) or the ARN of a KMS key, or an array of them`);
  }
  return keys;
}

/**
 * What the option comes to: the native option, and the function that returns keys, if there is one.
 *
 * @param {any} given
 * @returns {{ native: import('../../binding').Encryption, keySource?: Function }}
 */
function readEncryption(given) {
  const { members } = STORE.encryption;
  refuseUnknown(given, (key) => Object.hasOwn(members, key), 'encryption.');
  const native = {};
  for (const key of ['mode', 'context', 'pad']) {
    if (given[key] !== undefined) native[key] = checked(given[key], name(key), members[key]);
  }
  const { keys } = given;
  if (typeof keys === 'function') return { native, keySource: keys };
  if (keys === undefined) {
    throw new TypeError(`${name('keys')} must be given: an array of { id, key }, a function that returns one, or { kms: 'alias/…' }`);
  }
  if (typeof keys === 'object' && keys !== null && 'kms' in keys) native.kms = kmsKeysOf(keys);
  else native.keys = keysOf(keys, name('keys'));
  return { native };
}

module.exports = { keysOf, readEncryption };
