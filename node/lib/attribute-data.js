'use strict';

const { types } = require('node:util');
const { invalidSession, isOwn } = require('./errors.js');

/** DynamoDB attribute JSON, `{"M":{…}}`, for sessions that JSON cannot express; see ./session-data.js. */

/** DynamoDB accepts 32 levels. Data nested far deeper is treated as endless. */
const ENDLESS = 256;

/** A DynamoDB set (SS, NS, BS), in the form of the AWS SDK's DocumentClient, which version 1 returned. */
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
// The SDK's name for it, which `util.inspect` shows.
Object.defineProperty(DynamoDBSet, 'name', { value: 'Set' });

const isBinary = (value) => ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);

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

/** How many characters of a name an error shows. Visitors can choose names. */
const SHOWN = 50;

function step(name) {
  if (typeof name === 'number') return `[${name}]`;
  const shown = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name;
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
}

/** The path to a value, for errors: `cart.items[2]`. */
const pathOf = (trail) => trail.map(step).join('').replace(/^\./, '');

/** Writes DynamoDB attribute JSON, exactly. */
class Writer {
  #trail = [];

  #ancestors = [];

  /** The session's attribute. An error that the session's own code throws is reported with its path. */
  write(session) {
    try {
      return this.#attribute(session, '');
    } catch (error) {
      if (isOwn(error)) throw error;
      throw invalidSession(`The session cannot be stored: ${this.#path()} throws when it is read.`, error);
    }
  }

  /** The attribute's text; undefined for values that JSON leaves out. */
  #attribute(given, key) {
    let value = given;
    // Binary data stays binary: a Buffer's own toJSON would make it a list of numbers.
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
    if (types.isBoxedPrimitive(value)) return this.#attribute(value.valueOf(), key);
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
    if (types.isMap(value)) return this.#map([...value], ([key]) => String(key), ([, item]) => item);
    return this.#map(Object.keys(value), (key) => key, (key) => value[key]);
  }

  #list(values) {
    const items = [];
    for (let index = 0; index < values.length; index += 1) {
      items.push(this.#step(index, () => values[index]) ?? '{"NULL":true}');
    }
    return `{"L":[${items.join(',')}]}`;
  }

  #map(entries, keyOf, valueOf) {
    // Two keys can become one: of a Map, or when their lone surrogates are replaced. The last one counts.
    const members = new Map();
    for (const entry of entries) {
      const key = keyOf(entry);
      const member = this.#step(key, () => valueOf(entry));
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

  /** Reads and writes the value one step further in. */
  #step(name, read) {
    this.#trail.push(name);
    const written = this.#attribute(read(), String(name));
    this.#trail.pop();
    return written;
  }

  #path() {
    return this.#trail.length ? pathOf(this.#trail) : 'the session';
  }
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

/** The value of a DynamoDB attribute, in the form that version 1 returned. */
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
    // NULL, and types that DynamoDB may add.
    default: return null;
  }
}

module.exports = { DynamoDBSet, Writer, fromAttribute };
