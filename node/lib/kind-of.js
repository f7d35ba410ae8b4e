'use strict';

const { types } = require('node:util');

const PROMISE = 'a promise';

/**
 * What a function of the application returned, for an error. It shows nothing of the value. `ofNumber` is for a finite
 * number. Nobody waits for a promise, so if it fails, that is not an unhandled rejection.
 *
 * @param {any} value
 * @param {string} ofNumber
 */
function kindOf(value, ofNumber) {
  if (value === null) return 'null';
  if (types.isPromise(value) || typeof value?.then === 'function') {
    Promise.resolve(value).catch(() => {});
    return PROMISE;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? ofNumber : 'a number that is not finite';
  if (value === '') return 'an empty string';
  if (typeof value === 'string') return value.isWellFormed() ? 'a string' : 'a string that is not valid Unicode';
  if (typeof value === 'undefined') return 'undefined';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

module.exports = { kindOf, PROMISE };
