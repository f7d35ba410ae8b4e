'use strict';

const { types } = require('node:util');
const { invalidSession } = require('./errors');

/**
 * Session data to the text the native part takes, and back. What JSON can say is JSON text. As soon as there
 * is a Buffer, Set or the like the whole session is DynamoDB attribute JSON, `{"M":{…}}`, marked by an `A`.
 */
const MARK = 'A';

/** DynamoDB takes 32 levels; far enough beyond that, data is taken for endless. */
const ENDLESS = 256;

/** A DynamoDB set (SS, NS, BS), as the AWS SDK's DocumentClient gives it and the legacy package did. */
class DynamoDBSet {
  wrapperName = 'Set';

  constructor(values, type) {
    this.values = values;
    this.type = type;
  }

  toJSON() {
    return this.values;
  }
}
// What the SDK calls it; `util.inspect` shows it.
Object.defineProperty(DynamoDBSet, 'name', { value: 'Set' });

const isBinary = (value) => ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);

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
    if (types.isDate(value)) return true;
    if (isBinary(value) || types.isSet(value) || types.isMap(value)) return false;
  }
  if (typeof value.toJSON === 'function') return false;
  // Inherited properties are not stored, but looking at one too many only takes the exact path.
  for (const key in value) { // eslint-disable-line guard-for-in, no-restricted-syntax
    if (!isJson(value[key], depth + 1)) return false;
  }
  return true;
}

const text = (value) => JSON.stringify(value.toWellFormed());

function binary(value) {
  const buffer = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value);
  return buffer.toString('base64');
}

const SET_MEMBERS = new Map([
  ['String', { attribute: 'SS', fits: (value) => typeof value === 'string', write: text }],
  ['Number', { attribute: 'NS', fits: (value) => Number.isFinite(value), write: (value) => `"${value}"` }],
  ['Binary', { attribute: 'BS', fits: isBinary, write: (value) => `"${binary(value)}"` }],
]);

/** The way to a value, for errors: `cart.items[2]`. */
function pathOf(trail) {
  return trail.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('').replace(/^\./, '');
}

/** Writes DynamoDB attribute JSON, exactly. */
class Writer {
  #trail = [];

  #ancestors = [];

  /** The attribute's text; undefined for what JSON leaves out. */
  attribute(given, key) {
    let value = given;
    // Binary data is stored as such: a Buffer's own toJSON would make a list of numbers of it.
    if (value !== null && (typeof value === 'object' || typeof value === 'bigint')
      && !isBinary(value) && !(value instanceof DynamoDBSet) && typeof value.toJSON === 'function') {
      value = value.toJSON(key);
    }
    switch (typeof value) {
      case 'string': return `{"S":${text(value)}}`;
      case 'number': return Number.isFinite(value) ? `{"N":"${value}"}` : '{"NULL":true}';
      case 'boolean': return `{"BOOL":${value}}`;
      case 'bigint': throw invalidSession(`The session cannot be stored: ${this.#path()} is a BigInt, which JSON cannot express.`);
      case 'object': return value === null ? '{"NULL":true}' : this.#object(value, key);
      default: return undefined;
    }
  }

  #object(value, key) {
    if (isBinary(value)) return `{"B":"${binary(value)}"}`;
    if (types.isBoxedPrimitive(value)) return this.attribute(value.valueOf(), key);
    if (value instanceof DynamoDBSet) return this.#dynamoDBSet(value);
    if (this.#ancestors.includes(value)) throw invalidSession(`The session cannot be stored: ${this.#path()} refers back to what contains it.`);
    if (this.#ancestors.length > ENDLESS) throw invalidSession(`The session cannot be stored: it is nested deeper than DynamoDB's 32 levels at ${this.#path().slice(0, 80)}…`);
    this.#ancestors.push(value);
    const written = this.#container(value);
    this.#ancestors.pop();
    return written;
  }

  #container(value) {
    if (Array.isArray(value)) return this.#list(value);
    if (types.isSet(value)) return this.#list([...value]);
    if (types.isMap(value)) return this.#map([...value].map(([key, item]) => [String(key), item]));
    return this.#map(Object.keys(value).map((key) => [key, value[key]]));
  }

  #list(values) {
    const items = [];
    for (let index = 0; index < values.length; index += 1) {
      items.push(this.#step(index, values[index], String(index)) ?? '{"NULL":true}');
    }
    return `{"L":[${items.join(',')}]}`;
  }

  #map(entries) {
    // Two keys can become one: of a Map, or when their lone surrogates are replaced. The last one counts.
    const members = new Map();
    for (const [key, value] of entries) {
      const member = this.#step(key, value, key);
      if (member !== undefined) members.set(text(key), member);
    }
    return `{"M":{${[...members].map(([key, member]) => `${key}:${member}`).join(',')}}}`;
  }

  #dynamoDBSet({ values, type }) {
    // DynamoDB has no empty sets.
    if (!Array.isArray(values) || values.length === 0) return '{"L":[]}';
    const member = SET_MEMBERS.get(type);
    if (!member || !values.every(member.fits)) {
      throw invalidSession(`The session cannot be stored: ${this.#path()} is a DynamoDB set that holds something else than its type.`);
    }
    return `{"${member.attribute}":[${values.map(member.write).join(',')}]}`;
  }

  #step(step, value, key) {
    this.#trail.push(step);
    const written = this.attribute(value, key);
    this.#trail.pop();
    return written;
  }

  #path() {
    return this.#trail.length ? pathOf(this.#trail) : 'the session';
  }
}

/** The text of a session to store. */
function serialise(session) {
  if (typeof session !== 'object' || session === null) throw invalidSession('The session must be an object.');
  if (!Array.isArray(session) && isJson(session, 0)) {
    const json = JSON.stringify(session);
    // JSON.stringify escapes lone surrogates, which are not Unicode; DynamoDB has no place for them.
    if (json[0] === '{' && !json.includes('\\ud')) return json;
  }
  const attribute = new Writer().attribute(session, '');
  if (!attribute?.startsWith('{"M":')) throw invalidSession('The session must be an object.');
  return MARK + attribute;
}

function defined(target, key, value) {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {
      value, configurable: true, enumerable: true, writable: true,
    });
  } else {
    target[key] = value; // eslint-disable-line no-param-reassign
  }
}

const bytes = (value) => Buffer.from(value, 'base64');

/** The value of a DynamoDB attribute, as the legacy package gave it. */
function fromAttribute(attribute) {
  const type = Object.keys(attribute)[0];
  const value = attribute[type];
  switch (type) {
    case 'S': return value;
    case 'N': return Number(value);
    case 'BOOL': return value;
    case 'B': return bytes(value);
    case 'L': return value.map(fromAttribute);
    case 'M': {
      const object = {};
      for (const key of Object.keys(value)) defined(object, key, fromAttribute(value[key]));
      return object;
    }
    case 'SS': return new DynamoDBSet(value, 'String');
    case 'NS': return new DynamoDBSet(value.map(Number), 'Number');
    case 'BS': return new DynamoDBSet(value.map(bytes), 'Binary');
    // NULL, and types that are yet to come.
    default: return null;
  }
}

/** The session of a text that was read. */
function parse(stored) {
  const session = stored[0] === MARK ? fromAttribute(JSON.parse(stored.slice(1))) : JSON.parse(stored);
  // koa-session assigns every key to its own object: this one would set the prototype and break it for good.
  if (Object.hasOwn(session, '__proto__')) delete session.__proto__; // eslint-disable-line no-proto
  return session;
}

module.exports = { DynamoDBSet, parse, serialise };
