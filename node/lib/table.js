'use strict';

/* eslint global-require: "off" -- a warning is rare, and each file costs a cold start */

/** What can be done with the table itself: create, describe and change it. */

/** Creations under way and done, by configuration: stores that are built per request create a table once. */
const creations = new Map();

/** What makes two configurations one. */
const keyOf = ({ native, table }) => JSON.stringify([native, table]);

/** A table that was created may be gone. */
const forget = (options) => creations.delete(keyOf(options));

/** Calls back outside the promise, so that what the callback throws is not lost in it. */
const report = (created, callback, nextTick) => created.then(
  () => nextTick(callback),
  (error) => nextTick(callback, error),
);

function warnNotCreated(error) {
  const { warnOnce } = require('./warn.js');
  warnOnce(`koa-session-dynamodb-store: the table was not created: ${error.message}`, error.hint);
}

class Table {
  #options;

  #call;

  #waitFor;

  #nextTick;

  /**
   * `call(message, start)` makes a call about the table; calls of the store wait for what `waitFor` is given.
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
    return typeof callback === 'function' ? report(created, callback, this.#nextTick) : created.then();
  }

  /** The same while the store is made: a creation that another store of this configuration has done counts. */
  createAtOnce(callback = undefined) {
    const created = this.#createShared({ once: true });
    report(created, callback || ((error) => { if (error) warnNotCreated(error); }), this.#nextTick);
  }

  #createShared({ once }) {
    const creation = this.#shared(once).promise;
    this.#waitFor(creation);
    return creation;
  }

  #shared(once) {
    const key = keyOf(this.#options);
    const started = creations.get(key);
    if (started && (once || !started.isDone)) return started;
    const creation = { isDone: false };
    const call = (native) => native.createTableIfMissing(this.#options.table);
    creation.promise = this.#call('Table is ready', call).then(() => { creation.isDone = true; }, (error) => {
      creations.delete(key);
      throw error;
    });
    creations.set(key, creation);
    return creation;
  }
}

module.exports = { Table, forget };
