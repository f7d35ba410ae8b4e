'use strict';

/* eslint global-require: "off" -- most sessions are plain JSON */

/**
 * Converts session data to the text that the native part gets, and back; see ./frame.js. A session that JSON can
 * express becomes JSON text. If it contains a Buffer, a Set or the like, the whole session becomes DynamoDB attribute
 * JSON, `{"M":...}`.
 */

const { types } = require('node:util');
const { attributeOf, attributeText } = require('./frame.js');

/** Whether JSON can express a value completely. Allocates nothing. */
function isJson(value, depth) {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  // Deep or circular: ./attribute-data.js reports where.
  if (depth > 32) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      if (!isJson(value[index], depth + 1)) return false;
    }
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (types.isDate(value)) return true;
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return false;
    if (types.isSet(value) || types.isMap(value)) return false;
  }
  if (typeof value.toJSON === 'function') return false;
  // Inherited properties are not stored. If one of them is not JSON, the slower way gives the same result.
  for (const key in value) { // eslint-disable-line guard-for-in, no-restricted-syntax
    if (!isJson(value[key], depth + 1)) return false;
  }
  return true;
}

/** The session's JSON text, if JSON can express it completely. */
function json(session) {
  try {
    if (Array.isArray(session) || !isJson(session, 0)) return undefined;
    const text = JSON.stringify(session);
    // JSON.stringify escapes lone surrogates. They are not valid Unicode: DynamoDB cannot store them.
    return text[0] === '{' && !text.includes('\\ud') ? text : undefined;
  } catch {
    // A getter or a toJSON in it throws: ./attribute-data.js reports where.
    return undefined;
  }
}

/** The text of a session to store. */
function serialise(session) {
  if (typeof session === 'object' && session !== null) {
    const text = json(session);
    if (text !== undefined) return text;
    const { Writer } = require('./attribute-data.js');
    const attribute = new Writer().write(session);
    if (attribute?.startsWith('{"M":')) return attributeText(attribute);
  }
  throw require('./errors.js').invalidSession('The session must be an object.');
}

/** Reads a session from attribute JSON. */
function parse(text) {
  return require('./attribute-data.js').fromAttribute(JSON.parse(attributeOf(text)));
}

module.exports = { parse, serialise };
