'use strict';

/* eslint global-require: "off" -- what the first `get` of most applications does without runs when it is needed */

/** The store as every adapter needs it. It knows options, calls and the table, and no framework. */

const { binding } = require('./binding.js');
const { headOf, textOf } = require('./frame.js');
const { readOptions } = require('./options/read.js');
const { STORE } = require('./options/table.js');
const { parse } = require('./session.js');
const { isId } = require('./session-id.js');
const { Tracked } = require('./tracked.js');

/** Read once: asking the environment costs as much as a tenth of a call. */
const debug = process.env.DYNAMODB_STORE_DEBUG ? require('./debug.js') : undefined;

/** Taken once: fake timers, such as Jest's, replace them in a process that serves requests meanwhile. */
const { nextTick } = process;
const { setImmediate: onNextTurn } = globalThis;

const errors = () => require('./errors.js');

/** In the year 5138: an expiry with more digits is taken for one in milliseconds, which some packages wrote. */
const LATEST_MS = 99999999999 * 1000;

/** @typedef {import('../types/common').Empty} Empty */

/** What a write resolves with, as in version 1. */
const empty = () => /** @type {Empty} */ ({});

/** ./table.js, once a store has created a table or looked at it. */
let tables;

let hasEvents = false;

/**
 * Has the native part report what only a write can cause, and what must be reported also without a listener. A process
 * that only reads does without, because this takes a quarter of a millisecond of its cold start.
 */
function receiveEvents() {
  if (hasEvents) return;
  hasEvents = true;
  binding.onEvent((line) => require('./events.js').warnOf(line));
}

/** Another prefix can begin with this one, if no separator ends it. */
function warnIfOpen(prefix) {
  if (!prefix || !/[\p{L}\p{N}]$/u.test(prefix)) return;
  const { warnOnce } = require('./warn.js');
  warnOnce(`koa-session-dynamodb-store: the prefix "${prefix}" does not end in a separator, such as ":". So this store also reads, lists and clears sessions whose prefix begins with it, such as "${prefix}-admin:". Sessions that are stored do not move with a new prefix.`);
}

/** The milliseconds of koa-session's `maxAge`; undefined where the cookie lives as long as the browser. */
function maxAgeMs(maxAge) {
  if (maxAge === undefined || maxAge === null || maxAge === 'session' || Number.isNaN(maxAge)) return undefined;
  if (typeof maxAge !== 'number') throw errors().invalidMaxAge();
  return maxAge;
}

/**
 * The calls of one store.
 *
 * `get`, `set` and `destroy` are not async functions: each of those costs the event loop promises and turns of its
 * microtask queue, where one `then` is enough.
 */
class Core {
  #framework;

  /** @type {import('../binding').Store} */
  #native;

  /**
   * The native stores for other frameworks than `#framework`.
   *
   * @type {Map<object, import('../binding').Store>}
   */
  #others = new Map();

  /** @type {import('./credentials').Provider | undefined} */
  #provider;

  /** The native part's ways to the credentials provider, to the logger and to the function that returns keys. */
  #ask;

  #log;

  /** @type {ReturnType<import('./keys').keySourceOf> | undefined} */
  #keySource;

  /**
   * Kept from the garbage collector, which would take them from the native part.
   *
   * @type {unknown[]}
   */
  #kept = [];

  /** The creation of the table that was started last. */
  #creation = Promise.resolve();

  /** What calls wait for: settles with it, and fails only if there is no table that can be used. */
  #usable = this.#creation;

  #isCreating = false;

  #table;

  /** How many calls are under way. */
  #calls = 0;

  #onIdle = [];

  #amend;

  /**
   * What is computed of each session; undefined for most stores.
   *
   * @type {ReturnType<import('./computed').computedOf> | undefined}
   */
  computed = undefined;

  /**
   * `framework` describes what a session holds beside the application's data; see ./frameworks/koa.js for an example.
   * `layouts` are those that the adapter can read. `amend` changes an error as the framework needs it.
   *
   * @param {import('../types/common').ExpressOptions} given
   * @param {{
   *   framework?: import('../binding').FrameworkDescription,
   *   layouts?: import('./options/read').Layouts,
   *   amend?: (error: any) => void,
   * }} [adapter]
   */
  constructor(given, { framework, layouts, amend } = {}) {
    debug?.print('Initializing store', debug.optionsOf(given));
    this.#framework = framework;
    this.#amend = amend;
    this.options = readOptions(given, layouts);
    if (this.options.provider || this.options.logger) this.#registerWithHost();
    if (this.options.keySource) this.#registerKeySource(this.options.keySource);
    try {
      this.#native = this.#newNative(framework);
    } catch (failure) {
      throw errors().toRefusal(failure);
    }
    this.#computeWith(this.options.computing);
    this.#warnIfInsecure();
    warnIfOpen(this.options.native.prefix);
  }

  /** Has `computed` make attributes and the expiry of each session, if the options say so. */
  #computeWith(computing) {
    if (!computing) return;
    const expiry = (this.#framework?.expiry ?? []).map(({ name }) => name);
    this.computed = require('./computed.js').computedOf(computing, expiry, (name) => {
      try {
        this.#native.checkAttribute(name);
      } catch (failure) {
        throw errors().toRefusal(failure);
      }
    });
  }

  #registerWithHost() {
    const { loggerOf, providerOf } = require('./host.js');
    const {
      native, provider, logger, region,
    } = this.options;
    const { operationTimeoutMs = STORE.operationTimeout.default } = native;
    if (provider) {
      const { number, entry, ask } = providerOf(binding, provider, { region, operationTimeoutMs });
      native.credentialsProvider = number;
      this.#provider = entry;
      this.#ask = ask;
    }
    if (logger) ({ number: native.logger, log: this.#log } = loggerOf(binding, logger));
    this.#kept.push(provider, logger);
  }

  #registerKeySource(keySource) {
    this.#keySource = require('./keys.js').keySourceOf(binding, keySource);
    /** @type {import('../binding').Encryption} */ (this.options.native.encryption).provider = this.#keySource.number;
    this.#kept.push(keySource);
  }

  #newNative(framework) {
    return new binding.Store(this.options.native, framework, this.#ask, this.#log, this.#keySource?.ask);
  }

  #warnIfInsecure() {
    if (!this.#native.isInsecure) return;
    const { warnOnce } = require('./warn.js');
    warnOnce('koa-session-dynamodb-store: the endpoint is plain http (dynamoConfig.endpoint, sslEnabled: false, or AWS_ENDPOINT_URL): credentials and sessions can be read on the way. For a local engine use a region that contains "local".');
  }

  /** Resolves with the result of `found` for the frame, or for undefined without a session. Default: the session. */
  get(id, found = parse, request = undefined) {
    // No session has an invalid id. Anyone can send such a cookie, so it is a miss and not an error.
    if (!isId(id)) return Promise.resolve(found(undefined));
    const session = this.#call((native) => native.get(id), (frame) => {
      this.#ended();
      try {
        const loaded = found(frame);
        if (loaded === undefined || !this.computed?.users) return loaded;
        return this.#registered(id, frame, loaded, found, request);
      } catch (error) {
        throw this.#readError(error);
      }
    }, this.#notRead);
    return debug ? debug.result('get', id, session) : session;
  }

  /** A session that was loaded. If it was stored without its user, it is registered, unless it has been revoked. */
  #registered(id, frame, session, found, request) {
    const head = headOf(frame);
    const user = this.computed?.users.unregistered(head, session, request);
    if (user === undefined) return session;
    return this.#call((native) => native.register(id, head, user), (registered) => {
      this.#ended();
      return found(registered === '' ? undefined : `${registered}\n${textOf(frame)}`);
    }, this.#notRead);
  }

  #notRead = (failure) => {
    this.#ended();
    throw this.#readError(failure);
  };

  #readError(failure) {
    return errors().withMessage('Unable to get session.', this.#error(failure));
  }

  /**
   * Writes a session over what is `tracked` of it, after the writes before it. A session that is gone meanwhile stays
   * gone. It lives for `maxAge` milliseconds, if the options do not say otherwise. Resolves with an empty object.
   */
  set(tracked, id, text, maxAge, framework = this.#framework) {
    const written = this.computed?.of(text, maxAge, tracked.request);
    const ttlMs = written?.ttlMs ?? maxAge ?? this.options.sessionTtl;
    const start = () => (
      this.#nativeFor(framework).set(id, text, ttlMs, tracked.head, tracked.text, written?.textFor(tracked)));
    return this.#write('set', tracked, id, ttlMs, start, text, written?.values);
  }

  /** Moves only the expiry, as `set` writes. */
  touch(tracked, id, text, maxAge, framework = this.#framework) {
    const limit = this.computed?.ttlMs(text, maxAge);
    const ttlMs = limit ?? maxAge ?? this.options.sessionTtl;
    const isLimit = limit !== undefined || undefined;
    const start = () => (
      this.#nativeFor(framework).touch(id, text, ttlMs, tracked.head ?? '', tracked.text || '{}', isLimit));
    return this.#write('touch', tracked, id, ttlMs, start);
  }

  /** The native store for a framework. Native stores of equal options share everything but this description. */
  #nativeFor(framework) {
    if (framework === this.#framework) return this.#native;
    let native = this.#others.get(framework);
    if (!native) {
      native = this.#newNative(framework);
      this.#others.set(framework, native);
    }
    return native;
  }

  #write(name, tracked, id, ttlMs, start, text = undefined, attributes = undefined) {
    if (!isId(id)) return Promise.reject(errors().invalidId());
    receiveEvents();
    if (tracked.isGone) return Promise.resolve(empty());
    const written = (head) => tracked.wrote(head, text, attributes);
    const result = this.#inOrder(tracked, start, written, () => tracked.isGone);
    return debug ? debug.result(name, id, result, { ttlMs }) : result;
  }

  /**
   * Deletes a session, after the writes before it and before those after it. Succeeds even if the session does not
   * exist. Resolves with an empty object.
   */
  destroy(id, tracked = new Tracked('')) {
    if (!isId(id)) return Promise.resolve(empty());
    receiveEvents();
    /* eslint no-param-reassign: ["error", { "props": false }] -- what is tracked is deleted with the session */
    tracked.isGone = false;
    const { text } = tracked;
    const result = this.#inOrder(tracked, (native) => native.destroy(id, tracked.head), () => {
      tracked.loaded('');
      tracked.ended = text;
    });
    return debug ? debug.result('destroy', id, result) : result;
  }

  /** Starts a call after those before it on what is `tracked`, unless by then it `isDropped`. */
  #inOrder(tracked, start, answered, isDropped = () => false) {
    /* eslint no-param-reassign: ["error", { "props": false }] -- the write under way is part of what is tracked */
    /** @type {Promise<Empty>} */
    let result;
    const ended = () => {
      this.#ended();
      if (tracked.last === result) tracked.last = undefined;
    };
    const succeeded = (answer) => {
      ended();
      answered(answer);
      return empty();
    };
    const failed = (failure) => {
      ended();
      throw this.#error(failure);
    };
    const call = () => (isDropped() ? empty() : this.#call(start, succeeded, failed));
    result = tracked.last ? tracked.last.then(call, call) : call();
    tracked.last = result;
    return result;
  }

  /** All live sessions, a page at a time: each its id, or what is in its place, its frame, and its reference. */
  async* list() {
    const page = async (token) => JSON.parse(await this.#scan((native) => native.list(token)));
    let next;
    do {
      const { sessions, next: token } = await page(next);
      yield sessions;
      next = token;
    } while (next !== null);
  }

  /**
   * The live sessions of a user, the latest sign-in first. `current` is the id of the one that asks.
   *
   * @param {string | number | bigint} user
   * @param {{ current?: string }} options
   */
  sessionsOf(user, options) { return this.#ofUsers().sessionsOf(user, options); }

  /** Ends one session of a user. Resolves with whether there was such a session. */
  revoke(user, ref) { return this.#ofUsers().revoke(user, ref); }

  /**
   * Ends all sessions of a user. Resolves with how many there were. `except` is the id of the one that is spared.
   *
   * @param {string | number | bigint} user
   * @param {{ except?: string }} options
   */
  revokeUser(user, options) { return this.#ofUsers().revokeUser(user, options); }

  #ofUsers() {
    return require('./user-verbs.js').verbsOf((start) => this.#scan(start));
  }

  /** Has listeners hear that the session under this id, with this head, is none that the framework can work with. */
  reportUnreadable(id, head) { this.#native.reportUnreadable(id, head); }

  /** Deletes all sessions. Resolves with how many. With `tombstones`, nothing stays in their place. */
  async clear({ tombstones = false } = {}) {
    return Number(await this.#scan((native) => native.clear(tombstones === true)));
  }

  /** Deletes the sessions that have expired. Resolves with how many. */
  async deleteExpired() { return Number(await this.#scan((native) => native.deleteExpired())); }

  #scan(start) {
    return this.#call(start, (text) => {
      this.#ended();
      return text;
    }, (failure) => {
      this.#ended();
      throw this.#error(failure);
    });
  }

  /** What all stores of this configuration have done. */
  stats() {
    return JSON.parse(this.#native.stats());
  }

  /** From now on `emit(name, event)` is called for what happens; see `on` of the adapters. */
  listen(emit) {
    receiveEvents();
    this.#kept.push(emit);
    this.#native.listen(require('./events.js').receiverFor(emit, nextTick));
  }

  /** When a session that is written now expires, in epoch milliseconds of a whole second, rounded up. */
  expiresAt(maxAge) {
    const { computing, sessionTtl } = this.options;
    const ttl = typeof computing?.ttl === 'number' ? computing.ttl : undefined;
    const ttlMs = ttl ?? maxAgeMs(maxAge) ?? sessionTtl;
    const ms = Math.min(Math.max(this.#native.now() + ttlMs, 0), LATEST_MS);
    return Math.ceil(ms / 1000) * 1000;
  }

  get ttlAttribute() {
    return this.#native.ttlAttribute;
  }

  /** What can be done with the table itself. */
  get table() {
    tables ??= require('./table.js');
    this.#table ??= new tables.Table(
      this.options,
      (message, start) => this.#tableCall(message, start),
      (creation) => this.#waitFor(creation),
      nextTick,
    );
    return this.#table;
  }

  /** Settles with the creation of the table that was started last. */
  get creation() {
    return this.#creation;
  }

  /** Creates the table during construction, if the options say so. Errors go to the callback, or to a warning. */
  createTableAtOnce(callback) {
    if (callback !== undefined && typeof callback !== 'function') throw new TypeError('callback must be a function');
    if (this.options.public.autoCreateTable) this.table.createAtOnce(callback);
  }

  /** Calls made from now on wait for this creation. If it leaves no table that can be used, they fail as it does. */
  #waitFor({ promise, usable }) {
    this.#creation = promise;
    this.#usable = usable;
    this.#isCreating = true;
    const done = () => {
      if (this.#creation === promise) this.#isCreating = false;
    };
    // Those who wait get the failure; this store's own promises are never unhandled rejections.
    promise.catch(() => {});
    usable.then(done, done);
  }

  /** A call about the table. It waits for no creation, because it may be one. */
  async #tableCall(message, start) {
    receiveEvents();
    this.#calls += 1;
    let text;
    try {
      text = await start(this.#native);
    } catch (failure) {
      throw this.#error(failure);
    } finally {
      this.#ended();
    }
    const description = text && JSON.parse(text);
    debug?.print(message, description);
    return description;
  }

  /** Resolves when no call of this store is under way, after those who made the last one have their result. */
  async idle() {
    await this.#creation.catch(() => {});
    if (this.#calls > 0) await new Promise((resolve) => { this.#onIdle.push(resolve); });
    await new Promise((resolve) => { onNextTurn(resolve); });
  }

  /**
   * Starts a call, once a creation of the table under way is done. In any case one of the two functions is called. It
   * has to call `#ended`.
   *
   * @template T
   * @param {(native: import('../binding').Store) => Promise<any>} start
   * @param {(answer: any) => T} answered
   * @param {(failure: unknown) => never} failed
   * @returns {Promise<T>}
   */
  #call(start, answered, failed) {
    this.#calls += 1;
    if (this.#isCreating) return this.#usable.then(() => start(this.#native)).then(answered, failed);
    try {
      return start(this.#native).then(answered, failed);
    } catch (error) {
      return Promise.reject(error).then(answered, failed);
    }
  }

  #ended() {
    this.#calls -= 1;
    if (this.#calls === 0 && this.#onIdle.length > 0) this.#onIdle.splice(0).forEach((resolve) => resolve());
  }

  #error(failure) {
    const { CODES, toError } = errors();
    const sources = { Credentials: this.#provider, KeyProvider: this.#keySource?.entry };
    const cause = sources[failure?.kind]?.lastError;
    const error = toError(failure, cause);
    this.#amend?.(error);
    // A table that was deleted while in use may have to be created again.
    if (error.code === CODES.TableNotFound) tables?.forget(this.options);
    debug?.print('failed', { code: error.code, operation: error.operation, requestId: error.requestId });
    return error;
  }
}

module.exports = { Core, maxAgeMs };
