'use strict';

/*
 * Every file costs a cold start a quarter of a millisecond: what the first `get` of most applications does
 * without is required where it is needed.
 */
/* eslint global-require: "off" */

const { readOptions } = require('./options');

const NAME = 'koa-session-dynamodb-store';

/** What a platform's binary is called, in the order to try. */
const TARGETS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc'],
};

const supported = () => Object.values(TARGETS).flat().join(', ');

function failToLoad(message, cause = undefined) {
  const error = new Error(message, cause && { cause });
  error.code = 'ERR_DYNAMODB_SESSION_BINDING';
  throw error;
}

/** A bundler moves this file, and the binary it looks for beside it does not follow. */
function isBundled() {
  return typeof __filename === 'undefined' || !['/', '\\'].some((slash) => __filename.endsWith(`${slash}core.js`));
}

/** The native part of this platform. */
function load() {
  const { platform, arch } = process;
  const targets = TARGETS[`${platform}-${arch}`];
  if (!targets) {
    failToLoad(`${NAME} has no binary for ${platform}-${arch}. Supported: ${supported()}.`);
  }
  if (isBundled()) {
    failToLoad(`${NAME} contains a native addon and cannot be bundled. Mark the package as external (esbuild: --external:${NAME}) and install it beside the bundle.`);
  }
  const built = targets.map((target) => `../${NAME}.${target}.node`);
  // Of the packages npm installs the one that fits, so what is missing says nothing.
  const installed = targets.map((target) => `${NAME}-${target}`);
  // A `require` that fails takes as long as loading three files: the likelier ones first.
  const isInstalled = __dirname.includes('node_modules');
  let broken;
  for (const candidate of isInstalled ? [...installed, ...built] : [...built, ...installed]) {
    try {
      return require(candidate); // eslint-disable-line import/no-dynamic-require
    } catch (error) {
      // A musl system that was given the glibc binary as well: the next one may do.
      if (error.code !== 'MODULE_NOT_FOUND') broken = broken || error;
    }
  }
  if (broken) {
    failToLoad(`The binary of ${NAME} cannot be loaded: ${broken.message}`, broken);
  }
  return failToLoad(`The binary of ${NAME} is not installed: ${installed.join(' or ')}. Reinstall without --omit=optional (--no-optional), on the platform the application runs on. Supported: ${supported()}.`);
}

const binding = load();

/** Read once: asking the environment costs as much as a tenth of a call. */
const debug = process.env.DYNAMODB_STORE_DEBUG ? require('./debug') : undefined;

const errors = () => require('./errors');

let sessionData;

/** ./session-data.js. Asking `require` itself would cost every call a microsecond. */
function data() {
  sessionData ??= require('./session-data');
  return sessionData;
}

let theHost;

/** What the native part asks of JavaScript, for all stores. */
function host() {
  const { Host } = require('./host');
  theHost ||= new Host(binding);
  return theHost;
}

/** In the year 5138: an expiry with more digits is taken for one in milliseconds, which some packages wrote. */
const LATEST_MS = 99999999999 * 1000;

/** Creations under way and done, by configuration: stores built per request create a table once. */
const creations = new Map();

const isId = (id) => typeof id === 'string' && id !== '' && id.isWellFormed();

/**
 * A store as all faces need it: options, calls, the table. It knows nothing of a framework.
 *
 * `get`, `set` and `destroy` are no async functions: each of those costs the event loop promises and turns of its
 * microtask queue, where one `then` is enough.
 */
class Core {
  #native;

  #nativeOptions;

  #provider;

  /** Kept from the garbage collector, which would take them from the native part. */
  #kept;

  #creation = Promise.resolve();

  #isCreating = false;

  /** How many calls are under way. */
  #calls = 0;

  #onIdle = [];

  constructor(given) {
    debug?.print('Initializing store', given);
    this.options = readOptions(given);
    const { native, provider, logger } = this.options;
    this.#nativeOptions = native;
    if (provider) {
      const { id, entry } = host().provider(provider, native.operationTimeoutMs);
      native.credentialsProvider = id;
      this.#provider = entry;
    }
    if (logger) native.logger = host().logger(logger).id;
    this.#kept = [provider, logger];
    try {
      this.#native = new binding.Store(native);
    } catch (error) {
      throw errors().toError({ kind: 'Config', message: error.message, retryable: false }, error);
    }
  }

  /** The session; undefined when there is none. */
  get(id) {
    // No item has an id that is none: a cookie that anyone can send is not worth an error.
    if (!isId(id)) return Promise.resolve();
    const found = this.#call((native) => native.get(id), this.#found, this.#notRead);
    // The first time this loads a file, while the request is on its way.
    data();
    return debug ? debug.result('get', id, found) : found;
  }

  #found = (text) => {
    this.#ended();
    if (text === undefined) return undefined;
    try {
      return data().parse(text);
    } catch (error) {
      throw this.#readError(error);
    }
  };

  #notRead = (failure) => {
    this.#ended();
    throw this.#readError(failure);
  };

  #readError(failure) {
    return errors().withMessage('Unable to get session.', this.#error(failure));
  }

  /** Stores a session as it is now: the caller may go on changing it. Resolves with an empty object. */
  set(id, session, maxAge) {
    let text;
    let ttlMs;
    try {
      if (!isId(id)) throw errors().invalidId();
      text = data().serialise(session);
      ttlMs = this.ttlMs(maxAge);
    } catch (error) {
      return Promise.reject(error);
    }
    const stored = this.#call((native) => native.set(id, text, ttlMs), this.#done, this.#failed);
    return debug ? debug.result('set', id, stored, { ttlMs }) : stored;
  }

  /** Deletes a session, if there is one. Resolves with an empty object. */
  destroy(id) {
    if (!isId(id)) return Promise.resolve({});
    const gone = this.#call((native) => native.destroy(id), this.#done, this.#failed);
    return debug ? debug.result('destroy', id, gone) : gone;
  }

  #done = () => {
    this.#ended();
    return {};
  };

  #failed = (failure) => {
    this.#ended();
    throw this.#error(failure);
  };

  /** How long a session with koa-session's `maxAge` lives. */
  ttlMs(maxAge) {
    if (maxAge === undefined || maxAge === null || maxAge === 'session' || Number.isNaN(maxAge)) {
      return this.options.sessionTtl;
    }
    if (typeof maxAge !== 'number') throw errors().invalidMaxAge();
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
    const key = this.#key();
    const known = creations.get(key);
    if (known && (once || !known.isDone)) return known;
    const creation = { isDone: false };
    creation.promise = this.#tableCall('Table is ready', (native) => native.createTableIfMissing(this.options.table))
      .then(() => { creation.isDone = true; }, (error) => {
        creations.delete(key);
        throw error;
      });
    creations.set(key, creation);
    return creation;
  }

  /** What makes two configurations one. */
  #key() {
    return JSON.stringify([this.#nativeOptions, this.options.table]);
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

  /** A call about the table, which waits for no creation: it may be one. */
  async #tableCall(message, call) {
    this.#calls += 1;
    let text;
    try {
      text = await call(this.#native);
    } catch (failure) {
      throw this.#error(failure);
    } finally {
      this.#ended();
    }
    const description = text && JSON.parse(text);
    debug?.print(message, description);
    return description;
  }

  /** Resolves when no call of this store is under way, and after those who made the last one have heard. */
  async idle() {
    await this.#creation.catch(() => {});
    if (this.#calls > 0) await new Promise((resolve) => { this.#onIdle.push(resolve); });
    await new Promise((resolve) => { setImmediate(resolve); });
  }

  /**
   * Starts a call, once a creation of the table under way is done. Whatever becomes of it, one of the two
   * functions is called, and calls `#ended`.
   */
  #call(start, answered, failed) {
    this.#calls += 1;
    if (this.#isCreating) return this.#creation.then(() => start(this.#native)).then(answered, failed);
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
    const cause = failure?.kind === 'Credentials' ? this.#provider?.lastError : undefined;
    const error = toError(failure, cause);
    // Whoever deletes a table in use may want it created again.
    if (error.code === CODES.TableNotFound) creations.delete(this.#key());
    debug?.print('failed', { code: error.code, operation: error.operation, requestId: error.requestId });
    return error;
  }
}

module.exports = { Core, NAME, TARGETS };
