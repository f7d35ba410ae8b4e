'use strict';

const { Core } = require('./lib/core.js');

function warnNotCreated(error) {
  const { warnOnce } = require('./lib/warn.js'); // eslint-disable-line global-require -- see lib/core.js
  warnOnce(`koa-session-dynamodb-store: the table was not created: ${error.message}`, error.hint);
}

/** Calls back outside the promise, so that what the callback throws is not lost in it. */
function report(created, callback) {
  return created.then(() => process.nextTick(callback), (error) => process.nextTick(callback, error));
}

/** A store for koa-session that keeps each session as one item of a DynamoDB table. */
class DynamoDBStore {
  #core;

  constructor(options = {}, callback = undefined) {
    if (callback !== undefined && typeof callback !== 'function') throw new TypeError('callback must be a function');
    this.setOptions(options);
    if (this.autoCreateTable) {
      report(this.#core.createTableIfMissing({ once: true }), callback || ((error) => {
        if (error) warnNotCreated(error);
      }));
    }
  }

  setOptions(options) {
    this.#core = new Core(options);
    Object.assign(this, this.#core.options.public);
  }

  /** The attribute that holds the expiry: the table's TTL attribute where it has one. */
  get ttlKey() { return this.#core.ttlAttribute; }

  /** Resolves once a creation of the table that is under way is done. */
  get ready() { return this.#core.creation; }

  get(id) { return this.#core.get(id); }

  set(id, session, maxAge) { return this.#core.set(id, session, maxAge); }

  destroy(id) { return this.#core.destroy(id); }

  /** When a session that is stored now with this `maxAge` ends. */
  getExpirationDate(maxAge) { return new Date(this.#core.expiresAt(maxAge)); }

  /** `{ describeTable, describeTimeToLive }`, or null when there is no table. */
  async isTableCreated() { return (await this.#core.describeTable()) ?? null; }

  async createTable() { return { TableDescription: await this.#core.createTable() }; }

  async updateTable() { return { TableDescription: await this.#core.updateTable() }; }

  async setTtlField() {
    await this.#core.setTtl(this.useTtlExpired);
    return { TimeToLiveSpecification: { AttributeName: this.ttlKey, Enabled: this.useTtlExpired } };
  }

  /** Creates the table if it is missing. With a callback, that is where errors go. */
  createTableIfDontExists(callback = undefined) {
    const created = this.#core.createTableIfMissing();
    // A promise of its own: unlike `ready`, it is for the caller to handle.
    return typeof callback === 'function' ? report(created, callback) : created.then();
  }

  /** Waits for the calls under way. There is nothing else to close: an idle store keeps no process alive. */
  async close() { await this.#core.idle(); }
}

module.exports = DynamoDBStore;
module.exports.default = DynamoDBStore;
module.exports.DynamoDBStore = DynamoDBStore;
