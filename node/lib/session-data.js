'use strict';

/* eslint global-require: "off" -- see index.js: most sessions are plain JSON */

/**
 * Session data to the text the native part takes, and back. What JSON can say is JSON text. As soon as there
 * is a Buffer, Set or the like the whole session is DynamoDB attribute JSON, `{"M":...}`, marked by an `A`.
 */
const MARK = 'A';

/** Whether JSON.stringify says all there is to say. Allocates nothing. */
function isJson(value, depth) {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  // Deep or circular: the exact path knows the way to say where.
  if (depth > 32) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      if (!isJson(value[index], depth + 1)) return false;
    }
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const { types } = require('node:util');
    if (types.isDate(value)) return true;
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return false;
    if (types.isSet(value) || types.isMap(value)) return false;
  }
  if (typeof value.toJSON === 'function') return false;
  // Inherited properties are not stored, but looking at one too many only takes the exact path.
  for (const key in value) { // eslint-disable-line guard-for-in, no-restricted-syntax
    if (!isJson(value[key], depth + 1)) return false;
  }
  return true;
}

/** The session's JSON text, if that is all there is to say. */
function json(session) {
  try {
    if (Array.isArray(session) || !isJson(session, 0)) return undefined;
    const text = JSON.stringify(session);
    // JSON.stringify escapes lone surrogates, which are not Unicode; DynamoDB has no place for them.
    return text[0] === '{' && !text.includes('\\ud') ? text : undefined;
  } catch {
    // Something in it throws: the exact path knows the way to say where.
    return undefined;
  }
}

/** The text of a session to store. */
function serialise(session) {
  if (typeof session === 'object' && session !== null) {
    const text = json(session);
    if (text !== undefined) return text;
    const { Writer } = require('./attribute-data');
    const attribute = new Writer().write(session);
    if (attribute?.startsWith('{"M":')) return MARK + attribute;
  }
  throw require('./errors').invalidSession('The session must be an object.');
}

/** The session of a text that was read and is no JSON. */
function parse(stored) {
  return require('./attribute-data').fromAttribute(JSON.parse(stored.slice(MARK.length)));
}

module.exports = { parse, serialise };
