'use strict';

function fail(Type, name, rule) {
  throw new Type(`${name} must be ${rule}`);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether its own properties are all that an object has. */
function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

/** Checks of values. Each throws an error that names the option. */
const check = {
  object(value, name) {
    if (!isObject(value)) fail(TypeError, name, 'an object');
    return value;
  },

  string(value, name) {
    if (typeof value !== 'string') fail(TypeError, name, 'a string');
    return value;
  },

  boolean(value, name) {
    if (typeof value !== 'boolean') fail(TypeError, name, 'true or false');
    return value;
  },

  number(value, name, { min = 0, max = Number.MAX_SAFE_INTEGER, integer = true } = {}) {
    if (typeof value !== 'number') fail(TypeError, name, 'a number');
    if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
      fail(RangeError, name, `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
    }
    return value;
  },

  oneOf(value, name, values) {
    check.string(value, name);
    if (!values.includes(value)) fail(RangeError, name, `one of ${values.join(', ')}`);
    return value;
  },

  json(value, name) {
    try {
      return JSON.stringify(value);
    } catch {
      return fail(TypeError, name, 'what JSON can express');
    }
  },

  isText: (value) => typeof value === 'string' && value !== '',
};

module.exports = { check, isPlain };
