'use strict';

/* eslint global-require: "off" -- a warning is rare */

/** What can be done with the table itself: create, describe and change it. */

const { beside } = require('./callback.js');

/** Creations under way and done, by configuration: stores that are built per request create a table once. */
const creations = new Map();

/** How long a creation counts that could not look at the table, or not change it. Then another store tries again. */
const PAUSE_MS = 60 * 1000;

/** What it costs if a request about the table fails, while the sessions in it work. */
const COSTS = {
  DescribeTable: 'a table that is missing is not created. If the TTL of the table is on another attribute than table.ttlKey, sessions may end early, or stay in the table after their end',
  DescribeTimeToLive: 'if the TTL of the table is on another attribute than table.ttlKey, sessions may end early, or stay in the table after their end',
  UpdateTimeToLive: 'the TTL of the table stays as it is. Where it is off, expired sessions stay until deleteExpired()',
  UpdateTable: 'the capacity units of the table stay as they are',
};

/** What makes two configurations one. */
const keyOf = ({ native, table }) => JSON.stringify([native, table]);

/** A table that was created may be gone. */
const forget = (options) => creations.delete(keyOf(options));

/** Calls back outside the promise, so that what the callback throws is not lost in it. */
const report = (created, callback, nextTick) => created.then(
  () => nextTick(callback),
  (error) => nextTick(callback, error),
);

function warn(error) {
  const { warnOnce } = require('./warn.js');
  const { operation, message, hint } = error;
  const what = leavesSessions(error)
    ? `sessions work, but dynamodb:${operation} failed, so ${COSTS[operation]}: ${message}`
    : `the table was not created: ${message}`;
  warnOnce(`koa-session-dynamodb-store: ${what}`, hint);
}

/**
 * Whether sessions can work although the creation failed: the table is there, or may be there. If it is not, the calls
 * say so themselves.
 */
function leavesSessions({ code, operation, retryable }) {
  const { CODES } = require('./errors.js');
  if (!COSTS[operation] || code === CODES.Config) return false;
  return operation !== 'DescribeTable' || code === CODES.AccessDenied || (retryable && code !== CODES.Transport);
}

class Table {
  #options;

  #call;

  #waitFor;

  #nextTick;

  /**
   * `call(message, start)` makes a call about the table; calls of the store wait for the
   * `usable` of what `waitFor` is given.
   * `nextTick` is the one of the process.
   */
  constructor(options, call, waitFor, nextTick) {
    this.#nextTick = nextTick;
    this.#options = options;
    this.#call = call;
    this.#waitFor = waitFor;
  }

  describe() { return this.#call('Table', (native) => native.describeTable()); }

  create() { return this.#call('Table created', (native) => native.createTable(this.#options.table)); }

  update() { return this.#call('Table updated', (native) => native.updateTable(this.#options.table)); }

  setTtl(enabled) { return this.#call('TTL set', (native) => native.setTtl(enabled)); }

  /**
   * Creates the table if it is missing. Calls made meanwhile wait for it and fail as it does. With a callback, that is
   * where errors go; otherwise they go to the promise, which is the caller's own to handle, unlike `ready`.
   *
   * @param {(error?: any) => void} [callback]
   * @returns {Promise<void>}
   */
  createIfMissing(callback = undefined) {
    const created = this.#createShared({ once: false });
    return typeof callback === 'function' ? beside(report(created, callback, this.#nextTick)) : created.then();
  }

  /** The same while the store is made: a creation that another store of this configuration has done counts. */
  createAtOnce(callback = undefined) {
    const created = this.#createShared({ once: true });
    report(created, callback || ((error) => { if (error) warn(error); }), this.#nextTick);
  }

  #createShared({ once }) {
    const { done, usable } = this.#shared(once);
    const promise = done.catch((error) => {
      if (!leavesSessions(error) || this.#isAsked(error, once)) throw error;
      warn(error);
    });
    this.#waitFor({ promise, usable });
    return promise;
  }

  #shared(once) {
    const key = keyOf(this.#options);
    const started = creations.get(key);
    if (started && (!started.isDone || (once && performance.now() < started.end))) return started;
    const creation = { isDone: false, end: Infinity };
    const call = (native) => native.createTableIfMissing(this.#options.table);
    creation.done = this.#call('Table is ready', call).then(() => { creation.isDone = true; }, (error) => {
      creation.isDone = true;
      creation.end = performance.now() + PAUSE_MS;
      if (!leavesSessions(error)) creations.delete(key);
      throw error;
    });
    creation.usable = creation.done.catch((error) => { if (!leavesSessions(error)) throw error; });
    creations.set(key, creation);
    return creation;
  }

  /** Whether the application has asked for what failed, so that it is to hear of it. */
  #isAsked({ operation }, once) {
    if (operation === 'DescribeTable') return !once;
    if (operation === 'UpdateTimeToLive') return this.#options.table.useTtl !== undefined;
    return operation === 'UpdateTable';
  }
}

module.exports = { Table, forget };
