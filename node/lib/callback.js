'use strict';

/* eslint global-require: "off" -- a warning is rare, and each file costs a cold start */

/** Callbacks beside promises. */

/**
 * Calls back as well, where there is a callback: once, and outside the promise, so that what the callback throws is
 * not lost in it. A caller that gives a callback can ignore the promise.
 */
function settle(promise, callback) {
  if (typeof callback === 'function') {
    promise.then(
      (value) => process.nextTick(callback, null, value),
      (error) => process.nextTick(callback, error),
    );
  }
  return promise;
}

/**
 * The callback that a framework passes on, or a warning where the application gave none: the framework does not look
 * at the promise either.
 */
function orWarn(callback, what) {
  return callback ?? ((error) => {
    if (!error) return;
    const { warnOnce } = require('./warn.js');
    warnOnce(`koa-session-dynamodb-store: ${what} failed without a callback to report it to: ${error.code}`, error.hint);
  });
}

module.exports = { orWarn, settle };
