'use strict';

/* eslint global-require: "off" -- a warning is rare */

/** Callbacks beside promises. */

/** Taken once: fake timers, such as Jest's, replace it in a process that serves requests meanwhile. */
const { nextTick } = process;

function warnOfFailure(what, error) {
  const { warnOnce } = require('./warn.js');
  warnOnce(`koa-session-dynamodb-store: ${what} failed without a callback to report it to: ${error.code ?? error.name}`, error.hint);
}

/**
 * A promise whose failure is a warning when nobody has asked for it: an unhandled rejection would end the process.
 * `await` asks by `then`, because the constructor is not Promise itself.
 */
class Unattended extends Promise {
  static get [Symbol.species]() { return Promise; }

  #isAsked = false;

  then(fulfilled, rejected) {
    this.#isAsked = true;
    return super.then(fulfilled, rejected);
  }

  static of(promise, what) {
    const own = new Unattended((resolve, reject) => { promise.then(resolve, reject); });
    super.prototype.then.call(own, undefined, (error) => nextTick(() => {
      if (!own.#isAsked) warnOfFailure(what, error);
    }));
    return own;
  }
}

/**
 * A promise beside a callback: to all but `util.types.isPromise` the same. `util.promisify`, which gives a callback,
 * warns of functions that return a promise as well.
 */
function beside(promise) {
  return Object.create(Promise.prototype, {
    then: { value: (fulfilled, rejected) => promise.then(fulfilled, rejected) },
  });
}

/**
 * Calls back as well, where there is a callback: once, and outside the promise, so that what the callback throws is
 * not lost in it. A caller that gives a callback can ignore the promise. Without one, `what` failed is a warning if the
 * promise is ignored, too.
 */
function settle(promise, callback, what) {
  if (typeof callback !== 'function') return Unattended.of(promise, what);
  promise.then(
    (value) => nextTick(callback, null, value),
    (error) => nextTick(callback, error),
  );
  return beside(promise);
}

/**
 * The callback that a framework passes on, or a warning where the application gave none: the framework does not look
 * at the promise either.
 */
function orWarn(callback, what) {
  return callback ?? ((error) => { if (error) warnOfFailure(what, error); });
}

module.exports = { beside, orWarn, settle };
