'use strict';

/**
 * What a store computes of each session: the options `attributes`, `ttl` and `users`. It is loaded only for them.
 *
 * Their functions get the session as a load gives it. So what they make of a session when it is loaded can be compared
 * with what they make of it when it is stored.
 */

const { invalidSession, invalidTtl } = require('./errors.js');
const { kindOf, PROMISE } = require('./kind-of.js');
const { parseText } = require('./session.js');

/** Why a function may not return this value. */
function refusal(name, rule, value, advice = {}) {
  const kind = kindOf(value, 'a number below zero');
  const said = `${name} must return ${rule}. It returned ${kind}`;
  return kind === PROMISE ? `${said}: the function must be synchronous.` : `${said}${advice[kind] ?? '.'}`;
}

const OF_ATTRIBUTES = { 'an empty string': ', which no index takes as a key: return undefined instead.' };

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
  throw invalidSession(refusal(`attributes.${name}`, 'a string, a finite number or undefined', value, OF_ATTRIBUTES));
}

/** An object with its fields in one order: DynamoDB returns them in any. */
function inOrder(key, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, value[name]]));
}

/** What a function read of a session, as text. */
function textOf(fields) {
  try {
    return JSON.stringify(fields, inOrder);
  } catch {
    // What JSON cannot express is compared by what the function makes of it.
    return undefined;
  }
}

/**
 * A session for a function, and the names of the top-level fields that it reads. Parallel changes are merged by such
 * fields. So an attribute goes with the fields that it is computed of: whoever changes one of them writes it.
 */
function observed(session) {
  const names = new Set();
  const note = (name) => { if (typeof name === 'string') names.add(name); };
  const observer = new Proxy(session, {
    get(target, name) {
      note(name);
      return target[name];
    },
    has(target, name) {
      note(name);
      return name in target;
    },
    getOwnPropertyDescriptor(target, name) {
      note(name);
      return Object.getOwnPropertyDescriptor(target, name);
    },
  });
  return { observer, names };
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

/**
 * What the functions make of one session that is written. `values` has for each attribute its value, and the fields
 * that it was computed from.
 */
class Written {
  #names;

  /** Gives what is written of the user. */
  #userFor;

  constructor(names, values, ttlMs, userFor) {
    this.#names = names;
    this.values = values;
    this.ttlMs = ttlMs;
    this.#userFor = userFor;
  }

  /** Whether the expiry is a limit beside that of the cookie. */
  get isLimit() { return this.ttlMs !== undefined; }

  /** What the native part is told; see ../src/beside.rs. */
  textFor(tracked) {
    const attributes = this.values?.map(({ value, from }, index) => {
      // Of a session that is not there, nothing is.
      const before = tracked.head === '' ? { from } : tracked.attributes?.[index];
      return [this.#names[index], value ?? null, before?.value !== value || before?.from !== from];
    });
    return JSON.stringify({ attributes, isLimit: this.isLimit, user: this.#userFor?.(tracked) });
  }
}

/** The functions of a store. */
class Computed {
  #names;

  /** @type {any[]} */
  #functions;

  #ttl;

  #expiry;

  /**
   * `expiry` are the names of the fields that the framework writes with the expiry. They change with each view.
   *
   * @param {import('./options/read').Computing} options
   * @param {string[]} expiry
   */
  constructor({ attributes, ttl, users }, expiry) {
    this.#names = attributes && Object.keys(attributes);
    this.#functions = Object.values(attributes ?? {});
    this.#ttl = ttl;
    this.#expiry = expiry;
    this.users = users && new (require('./users.js').Users)(users); // eslint-disable-line global-require
  }

  #attributesOf(session) {
    return this.#names?.map((name, index) => {
      const { observer, names } = observed(session);
      const value = attributeOf(name, this.#functions[index], observer);
      const fields = [...names].filter((field) => !this.#expiry.includes(field)).sort();
      return { value, from: textOf(fields.map((field) => [field, session[field]])) };
    });
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
   * @param {object} [request]
   */
  of(text, maxAge = undefined, request = undefined) {
    const { users } = this;
    const isTtlComputed = typeof this.#ttl === 'function';
    const session = this.#names || isTtlComputed || users ? parseText(text) : undefined;
    const read = users?.read(session, request);
    const userFor = users && ((tracked) => users.textFor(read, tracked));
    return new Written(this.#names, this.#attributesOf(session), this.#ttlFor(session, maxAge), userFor);
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
 * @param {import('./options/read').Computing} options
 * @param {string[]} expiry The fields that the framework writes with the expiry.
 * @param {(name: string) => void} checkName Throws if an attribute cannot have this name.
 */
function computedOf({ attributes, ttl, users }, expiry, checkName) {
  for (const [name, compute] of Object.entries(attributes ?? {})) {
    if (typeof compute !== 'function') throw new TypeError(`attributes.${name} must be a function of the session`);
    if (!name.isWellFormed()) throw new RangeError('attributes: a name must be valid Unicode');
    checkName(name);
  }
  return new Computed({ attributes, ttl, users }, expiry);
}

module.exports = { computedOf };
