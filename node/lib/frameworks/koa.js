'use strict';

/* eslint global-require: "off" -- what the first `get` of most applications does without is loaded when it is needed */

/** The store for koa-session. */

const { Core, maxAgeMs } = require('../core.js');
const { parseText, serialise } = require('../session.js');
const { Tracked } = require('../tracked.js');

/**
 * What koa-session keeps in a session: the fields that are written together with the `expiry`, with the `instants` in
 * them that say when the session ends. It copies a loaded session to an object of its own, and leaves the names that
 * are `notCarried` out of the session it saves.
 */
const KOA = {
  expiry: [{ name: '_expire', instants: true }, { name: '_maxAge' }, { name: '_session' }],
  notCarried: ['externalKey', 'isNew', 'length', 'maxAge', 'populated'],
  notCarriedPrefixes: ['_'],
};

/** Koa's context in the options of a call. Nothing can be remembered on what takes no property. */
function contextIn(options) {
  const ctx = options?.ctx;
  return typeof ctx === 'object' && ctx !== null && Object.isExtensible(ctx) ? ctx : undefined;
}

/**
 * The key on koa's context under which the sessions of its request are tracked. A WeakMap in its place would cost a
 * `get` a tenth more, and the process a third more memory, because V8 keeps its entries for a while.
 */
const SESSIONS = Symbol('koa-session-dynamodb-store');

/** A session that a request tracks in one store; `next` is another one of the same request. */
class TrackedByRequest extends Tracked {
  constructor(store, id, next, ctx) {
    super('');
    this.store = store;
    this.id = id;
    this.next = next;
    this.request = ctx;
  }

  get others() {
    const others = [];
    for (let { next } = this; next; next = next.next) if (next.store === this.store) others.push(next);
    return others;
  }

  static of(ctx, store, id) {
    const first = ctx[SESSIONS];
    for (let tracked = first; tracked; tracked = tracked.next) {
      if (tracked.id === id && tracked.store === store) return tracked;
    }
    const tracked = new TrackedByRequest(store, id, first, ctx);
    ctx[SESSIONS] = tracked;
    return tracked;
  }
}

let isContextMissed = false;

/** For a caller that does not say which request it is: nothing guards what it writes. */
function untracked() {
  if (!isContextMissed) {
    isContextMissed = true;
    const { warnOnce } = require('../warn.js');
    warnOnce('koa-session-dynamodb-store: set was called without `{ ctx }`, koa\'s context: parallel requests overwrite each other and can undo a logout. koa-session passes it from 6.1 on, koa-generic-session does not.');
  }
  return new Tracked(undefined);
}

/** A store for koa-session that keeps each session as one item of a DynamoDB table. */
class KoaDynamoDBStore {
  /** @type {Core} */
  #core;

  #events;

  /**
   * @param {import('../../types/common').Options} [options]
   * @param {import('../../types/common').CreationCallback} [callback]
   */
  constructor(options = {}, callback = undefined) {
    this.setOptions(options);
    this.#core.createTableAtOnce(callback);
  }

  setOptions(options) {
    this.#core = new Core(options, { framework: KOA });
    if (this.#events) this.#listen();
    Object.assign(this, this.#core.options.public);
  }

  /** The attribute that holds the expiry: the table's TTL attribute where it has one. */
  get ttlKey() { return this.#core.ttlAttribute; }

  /** Resolves once a creation of the table that is under way is done. */
  get ready() { return this.#core.creation; }

  get(id, maxAge, options = undefined) {
    const ctx = contextIn(options);
    if (!ctx) return this.#core.get(id);
    return this.#core.get(id, (frame = '') => {
      const tracked = TrackedByRequest.of(ctx, this, id);
      tracked.loaded(frame);
      if (frame === '') return undefined;
      const session = parseText(tracked.text);
      this.#core.computed?.loaded(tracked, session);
      return session;
    }, ctx);
  }

  /**
   * @param {string} id
   * @param {object} session
   * @param {import('../../types/common').MaxAge} [maxAge]
   * @param {object} [options]
   */
  set(id, session, maxAge = undefined, options = undefined) {
    const ctx = contextIn(options);
    try {
      const text = serialise(session);
      const ms = maxAgeMs(maxAge);
      const tracked = ctx ? TrackedByRequest.of(ctx, this, id) : untracked();
      return this.#core.set(tracked, id, text, ms);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  destroy(id, options = undefined) {
    const ctx = contextIn(options);
    return this.#core.destroy(id, ctx ? TrackedByRequest.of(ctx, this, id) : undefined);
  }

  /**
   * Calls `listener` for 'conflict', 'unreadable', 'retry' or 'throttled'. Stores of one configuration share their
   * events.
   */
  on(name, listener) {
    this.#emitter().on(name, listener);
    return this;
  }

  once(name, listener) {
    this.#emitter().once(name, listener);
    return this;
  }

  off(name, listener) {
    this.#events?.off(name, listener);
    return this;
  }

  #emitter() {
    if (!this.#events) {
      const { EventEmitter } = require('node:events');
      this.#events = new EventEmitter();
      this.#listen();
    }
    return this.#events;
  }

  #listen() {
    const events = this.#events;
    this.#core.listen((name, event) => events.emit(name, event));
  }

  /**
   * The live sessions of a user, the latest sign-in first. `current` is the id of the session that asks.
   *
   * @param {string | number | bigint} user
   * @param {{ current?: string }} [options]
   */
  sessionsOf(user, options = undefined) { return this.#core.sessionsOf(user, options ?? {}); }

  /** Ends one session of a user. Resolves with whether there was such a session. */
  revoke(user, ref) { return this.#core.revoke(user, ref); }

  /**
   * Ends all sessions of a user, except the one with the id `except`. Resolves with `{ revoked }`.
   *
   * @param {string | number | bigint} user
   * @param {{ except?: string }} [options]
   */
  revokeUser(user, options = undefined) { return this.#core.revokeUser(user, options ?? {}); }

  /** Deletes the expired sessions, for a table whose TTL is off. Resolves with how many there were. */
  deleteExpired() { return this.#core.deleteExpired(); }

  /** What this store, and all others of its configuration, have done since the first of them was made. */
  stats() { return this.#core.stats(); }

  /** When a session that is stored now with this `maxAge` expires. */
  getExpirationDate(maxAge) { return new Date(this.#core.expiresAt(maxAge)); }

  /** `{ describeTable, describeTimeToLive }`, or null when there is no table. */
  async isTableCreated() { return (await this.#core.table.describe()) ?? null; }

  async createTable() { return { TableDescription: await this.#core.table.create() }; }

  async updateTable() { return { TableDescription: await this.#core.table.update() }; }

  async setTtlField() {
    await this.#core.table.setTtl(this.useTtlExpired);
    return { TimeToLiveSpecification: { AttributeName: this.ttlKey, Enabled: this.useTtlExpired } };
  }

  /**
   * Creates the table if it is missing. With a callback, that is where errors go.
   *
   * @param {import('../../types/common').CreationCallback} [callback]
   */
  createTableIfDontExists(callback = undefined) { return this.#core.table.createIfMissing(callback); }

  /** Waits for the calls under way. There is nothing else to close: an idle store keeps no process alive. */
  async close() { await this.#core.idle(); }
}

module.exports = { KoaDynamoDBStore };
