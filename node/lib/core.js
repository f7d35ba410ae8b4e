'use strict';

const binding = require('./binding').load();
const { Provider } = require('./credentials');
const { debug, hashed, isDebugging } = require('./debug');
const { DEFAULT_OPERATION_TIMEOUT_MS } = require('./dynamo-config');
const {
  CODES, invalidId, toError, withMessage,
} = require('./errors');
const { Host } = require('./host');
const { readOptions } = require('./options');
const { parse, serialise } = require('./session-data');

const host = new Host(binding);

/** In the year 5138: an expiry with more digits is taken for one in milliseconds, which some packages wrote. */
const LATEST_MS = 99999999999 * 1000;

/** Creations under way and done, by configuration: stores built per request create a table once. */
const creations = new Map();

const isId = (id) => typeof id === 'string' && id !== '' && id.isWellFormed();

const logTo = (logger) => (line) => {
  if (typeof logger.log === 'function') logger.log(line);
  else logger.write(`${line}\n`);
};

/** A store as all faces need it: options, calls, the table. It knows nothing of a framework. */
class Core {
  #native;

  #nativeOptions;

  #provider;

  /** Kept from the garbage collector, which would take them from the native part. */
  #kept;

  #creation = Promise.resolve();

  #isCreating = false;

  /** What makes two configurations one. */
  #key;

  #calls = 0;

  #onIdle = [];

  constructor(given) {
    debug('Initializing store', given);
    this.options = readOptions(given);
    const { native, provider, logger } = this.options;
    this.#kept = [provider, logger];
    this.#nativeOptions = { ...native };
    if (provider) {
      // Before the operation's own deadline, so that the error says who was late.
      const timeoutMs = (native.operationTimeoutMs ?? DEFAULT_OPERATION_TIMEOUT_MS) * 0.9;
      const { id, entry } = host.register(provider, () => new Provider(provider, timeoutMs));
      this.#nativeOptions.credentialsProvider = id;
      this.#provider = entry;
    }
    if (logger) {
      const reference = new WeakRef(logger);
      const { id } = host.register(logger, () => (line) => {
        const target = reference.deref();
        if (target) logTo(target)(line);
      });
      this.#nativeOptions.logger = id;
    }
    this.#key = JSON.stringify([this.#nativeOptions, this.options.table]);
    try {
      this.#native = new binding.Store(this.#nativeOptions);
    } catch (error) {
      throw toError({ kind: 'Config', message: error.message, retryable: false }, error);
    }
  }

  async get(id) {
    // No item has an id that is none: a cookie that anyone can send is not worth an error.
    if (!isId(id)) return undefined;
    try {
      const text = await this.#call((native) => native.get(id));
      if (isDebugging) debug('get', { id: hashed(id), found: text !== undefined });
      return text === undefined ? undefined : parse(text);
    } catch (error) {
      throw withMessage('Unable to get session.', toError(error));
    }
  }

  async set(id, session, maxAge) {
    if (!isId(id)) throw invalidId();
    // As it is now: the caller may go on changing it.
    const text = serialise(session);
    const ttlMs = this.ttlMs(maxAge);
    await this.#call((native) => native.set(id, text, ttlMs));
    if (isDebugging) debug('set', { id: hashed(id), ttlMs });
  }

  async destroy(id) {
    if (!isId(id)) return;
    await this.#call((native) => native.destroy(id));
    if (isDebugging) debug('destroy', { id: hashed(id) });
  }

  /** How long a session with koa-session's `maxAge` lives. */
  ttlMs(maxAge) {
    if (maxAge === undefined || maxAge === null || maxAge === 'session' || Number.isNaN(maxAge)) {
      return this.options.sessionTtl;
    }
    if (typeof maxAge !== 'number') throw new TypeError('maxAge must be a number of milliseconds, "session" or undefined');
    return maxAge;
  }

  /** When a session written now ends, in epoch milliseconds of a whole second, rounded up. */
  expiresAt(maxAge) {
    const ms = Math.min(Math.max(this.#native.now() + this.ttlMs(maxAge), 0), LATEST_MS);
    return Math.ceil(ms / 1000) * 1000;
  }

  get ttlAttribute() {
    return this.#native.ttlAttribute;
  }

  /** Settles with the creation of the table that was started last. */
  get creation() {
    return this.#creation;
  }

  /**
   * Creates the table if it is missing. Calls made meanwhile wait for it and fail as it does.
   * With `once`, one that another store of this configuration has done before counts.
   */
  createTableIfMissing({ once = false } = {}) {
    const creation = this.#sharedCreation(once).promise;
    this.#creation = creation;
    this.#isCreating = true;
    const done = () => {
      if (this.#creation === creation) this.#isCreating = false;
    };
    // A failure is told to those who wait; this store's own promise is never an unhandled rejection.
    creation.then(done, done);
    return creation;
  }

  #sharedCreation(once) {
    const known = creations.get(this.#key);
    if (known && (once || !known.isDone)) return known;
    const creation = { isDone: false };
    creation.promise = this.#tableCall('Table is ready', (native) => native.createTableIfMissing(this.options.table))
      .then(() => { creation.isDone = true; }, (error) => {
        creations.delete(this.#key);
        throw error;
      });
    creations.set(this.#key, creation);
    return creation;
  }

  describeTable() {
    return this.#tableCall('Table', (native) => native.describeTable());
  }

  createTable() {
    return this.#tableCall('Table created', (native) => native.createTable(this.options.table));
  }

  updateTable() {
    return this.#tableCall('Table updated', (native) => native.updateTable(this.options.table));
  }

  setTtl(enabled) {
    return this.#tableCall('TTL set', (native) => native.setTtl(enabled));
  }

  async #tableCall(message, call) {
    const text = await this.#counted(call);
    const description = text && JSON.parse(text);
    debug(message, description);
    return description;
  }

  /** Resolves when no call of this store is under way, and after those who made the last one have heard. */
  async idle() {
    await this.#creation.catch(() => {});
    if (this.#calls > 0) await new Promise((resolve) => { this.#onIdle.push(resolve); });
    await new Promise((resolve) => { setImmediate(resolve); });
  }

  #call(call) {
    return this.#isCreating ? this.#creation.then(() => this.#counted(call)) : this.#counted(call);
  }

  async #counted(call) {
    this.#calls += 1;
    try {
      return await call(this.#native);
    } catch (failure) {
      throw this.#error(failure);
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#onIdle.splice(0).forEach((resolve) => resolve());
    }
  }

  #error(failure) {
    const cause = failure?.kind === 'Credentials' ? this.#provider?.lastError : undefined;
    const error = toError(failure, cause);
    // Whoever deletes a table in use may want it created again.
    if (error.code === CODES.TableNotFound) creations.delete(this.#key);
    debug('failed', { code: error.code, operation: error.operation, requestId: error.requestId });
    return error;
  }
}

module.exports = { CODES, Core };
