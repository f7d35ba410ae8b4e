'use strict';

/**
 * What a store computes of each session: the options `attributes` and `ttl`. It is loaded only for them.
 *
 * Their functions get the session as a load gives it. So what they make of a session when it is loaded can be compared
 * with what they make of it when it is stored.
 */

const { types } = require('node:util');
const { invalidSession, invalidTtl } = require('./errors.js');
const { parseText } = require('./session.js');

/** What a value is, for an error. It shows nothing of the value. */
function kindOf(value) {
  if (value === null) return 'null';
  if (types.isPromise(value) || typeof value?.then === 'function') return 'a promise';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number below zero' : 'a number that is not finite';
  if (value === '') return 'an empty string';
  if (typeof value === 'string') return 'a string that is not valid Unicode';
  if (typeof value === 'undefined') return 'undefined';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

const ADVICE = {
  'a promise': ': the function must be synchronous',
  'an empty string': ', which no index takes as a key: return undefined instead',
};

/** Why a function may not return this value. A promise is waited for by nobody: its rejection is no unhandled one. */
function refusal(name, rule, value) {
  const kind = kindOf(value);
  if (kind === 'a promise') Promise.resolve(value).catch(() => {});
  return `${name} must return ${rule}. It returned ${kind}${ADVICE[kind] ?? '.'}`;
}

const isAttribute = (value) => value === undefined || Number.isFinite(value)
  || (typeof value === 'string' && value !== '' && value.isWellFormed());

/** The value of an attribute for a session. */
function attributeOf(name, compute, session) {
  let value;
  try {
    value = compute(session);
  } catch (error) {
    throw invalidSession(`attributes.${name} cannot be computed for the session: the function threw an error, which is the cause of this one.`, error);
  }
  if (isAttribute(value)) return value;
  throw invalidSession(refusal(`attributes.${name}`, 'a string, a finite number or undefined', value));
}

/** How long the store keeps a session. */
function msOf(compute, session, maxAge) {
  let ms;
  try {
    ms = compute(session, maxAge);
  } catch (error) {
    throw invalidTtl('ttl cannot be computed for the session: the function threw an error, which is the cause of this one.', error);
  }
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw invalidTtl(refusal('ttl', 'a finite number of milliseconds that is not below zero', ms));
}

/** What the functions make of one session that is written. */
class Written {
  #names;

  constructor(names, values, ttlMs) {
    this.#names = names;
    this.values = values;
    this.ttlMs = ttlMs;
  }

  /** Whether the expiry is a limit beside that of the cookie. */
  get isLimit() { return this.ttlMs !== undefined; }

  /** What the native part is told; see ../src/beside.rs. */
  textFor(tracked) {
    // Of a session that is not there, nothing is.
    const before = tracked.head === '' ? [] : tracked.attributes;
    const attributes = this.values?.map((value, index) => (
      [this.#names[index], value ?? null, !before || before[index] !== value]));
    return JSON.stringify({ attributes, isLimit: this.isLimit });
  }
}

/** The functions of a store. */
class Computed {
  #names;

  /** @type {any[]} */
  #functions;

  #ttl;

  /** @param {import('./options/read').Computing} options */
  constructor({ attributes, ttl }) {
    this.#names = attributes && Object.keys(attributes);
    this.#functions = Object.values(attributes ?? {});
    this.#ttl = ttl;
  }

  #attributesOf(session) {
    return this.#names?.map((name, index) => attributeOf(name, this.#functions[index], session));
  }

  /** Notes the attributes of a session that was loaded. Where they cannot be computed, the next write writes them. */
  loaded(tracked, session) {
    try {
      tracked.attributes = this.#attributesOf(session); // eslint-disable-line no-param-reassign
    } catch {
      tracked.attributes = undefined; // eslint-disable-line no-param-reassign
    }
  }

  /**
   * What is written with a session of this text. Its cookie lives for `maxAge` milliseconds, or as long as the browser.
   *
   * @param {string} text
   * @param {number} [maxAge]
   */
  of(text, maxAge = undefined) {
    const isTtlComputed = typeof this.#ttl === 'function';
    const session = this.#names || isTtlComputed ? parseText(text) : undefined;
    return new Written(this.#names, this.#attributesOf(session), this.#ttlFor(session, maxAge));
  }

  /** How long a session of this text is kept; undefined if that is not computed. */
  ttlMs(text, maxAge = undefined) {
    return this.#ttlFor(typeof this.#ttl === 'function' ? parseText(text) : undefined, maxAge);
  }

  #ttlFor(session, maxAge) {
    return typeof this.#ttl === 'function' ? msOf(this.#ttl, session, maxAge) : this.#ttl;
  }
}

/**
 * The functions of these options.
 *
 * @param {{ attributes?: Record<string, any>, ttl?: any }} options
 * @param {(name: string) => void} checkName Throws if an attribute cannot have this name.
 */
function computedOf({ attributes, ttl }, checkName) {
  for (const [name, compute] of Object.entries(attributes ?? {})) {
    if (typeof compute !== 'function') throw new TypeError(`attributes.${name} must be a function of the session`);
    if (!name.isWellFormed()) throw new RangeError('attributes: a name must be valid Unicode');
    checkName(name);
  }
  return new Computed({ attributes, ttl });
}

module.exports = { computedOf };
