'use strict';

/* eslint global-require: "off" -- an unknown option is rare, and each file costs a cold start */

/** Checks of option values. Each throws an error that names the option. */

function fail(Type, name, rule) {
  throw new Type(`${name} must ${rule}`);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether its own properties are all that an object has. */
function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/** The types that a row of ./table.js can name. */
const check = {
  object(value, name) {
    if (!isObject(value)) fail(TypeError, name, 'be an object');
    return value;
  },

  string(value, name) {
    if (typeof value !== 'string') fail(TypeError, name, 'be a string');
    return value;
  },

  /** A string that UTF-8 can express. */
  unicode(value, name) {
    if (!check.string(value, name).isWellFormed()) fail(RangeError, name, 'be valid Unicode');
    return value;
  },

  boolean(value, name) {
    if (typeof value !== 'boolean') fail(TypeError, name, 'be true or false');
    return value;
  },

  number(value, name, { min = 0, max = Number.MAX_SAFE_INTEGER, fraction = false }) {
    if (typeof value !== 'number') fail(TypeError, name, 'be a number');
    if (!(value >= min && value <= max) || (!fraction && !Number.isInteger(value))) {
      fail(RangeError, name, `be ${fraction ? 'a number' : 'a whole number'} from ${min} to ${max}`);
    }
    return value;
  },

  array(value, name) {
    if (!Array.isArray(value)) fail(TypeError, name, 'be an array');
    return value;
  },

  function(value, name) {
    if (typeof value !== 'function') fail(TypeError, name, 'be a function');
    return value;
  },

  /** A number of milliseconds, or a function that returns it. */
  ttl(value, name, row) {
    if (typeof value === 'function') return value;
    if (typeof value !== 'number') fail(TypeError, name, 'be a number of milliseconds or a function');
    return check.number(value, name, row);
  },

  /** A number, or a string that holds one: version 1 accepted both. */
  numeric(value, name, row) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (Number.isNaN(number)) fail(TypeError, name, 'be a number');
    return check.number(number, name, row);
  },
};

/**
 * The value of an option, checked by its row.
 *
 * @param {any} value
 * @param {string} name
 * @param {import('./table').Row} row
 */
function checked(value, name, row) {
  if (!Array.isArray(row.type)) return check[row.type](value, name, row);
  if (row.type.includes(value)) return value;
  if (!row.type.includes(false)) check.string(value, name);
  return fail(typeof value === 'string' ? RangeError : TypeError, name, `be one of ${row.type.join(', ')}`);
}

/** The conversions that a row of ./table.js can name. */
const CONVERSIONS = {
  attemptsOf: (retries) => retries + 1,
  isOverwrite: (changes) => changes === 'overwrite' || undefined,
  modeOf: (mode) => mode || undefined,
};

/**
 * What the native option holds for a checked value.
 *
 * @param {any} value
 * @param {import('./table').Row} row
 * @returns {any}
 */
const carried = (value, { carry }) => (carry ? CONVERSIONS[carry](value) : value);

/**
 * Refuses, or warns of, the options that `isKnown` does not know. `prefix` is the path of their group. Someone else's
 * object, such as Koa's context for a ContextStore, has keys of its own.
 */
function refuseUnknown(options, isKnown, prefix) {
  if (!isPlain(options)) return;
  for (const key of Object.keys(options)) {
    if (!isKnown(key) && (options[key] ?? undefined) !== undefined) require('./unknown.js').unknown(key, prefix);
  }
}

const isText = (value) => typeof value === 'string' && value !== '';

module.exports = {
  CONVERSIONS, carried, check, checked, isPlain, isText, refuseUnknown,
};
