'use strict';

/** Checks of option values. Each throws an error that names the option. */

function fail(Type, name, rule) {
  throw new Type(`${name} must be ${rule}`);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function object(value, name) {
  if (!isObject(value)) fail(TypeError, name, 'an object');
  return value;
}

function string(value, name) {
  if (typeof value !== 'string') fail(TypeError, name, 'a string');
  return value;
}

function boolean(value, name) {
  if (typeof value !== 'boolean') fail(TypeError, name, 'true or false');
  return value;
}

function number(value, name, { min = 0, max = Number.MAX_SAFE_INTEGER, integer = true } = {}) {
  if (typeof value !== 'number') fail(TypeError, name, 'a number');
  if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
    fail(RangeError, name, `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
  }
  return value;
}

function oneOf(value, name, values) {
  string(value, name);
  if (!values.includes(value)) fail(RangeError, name, `one of ${values.join(', ')}`);
  return value;
}

module.exports = {
  boolean, isObject, number, object, oneOf, string,
};
