'use strict';

/*
 * What loads the binary, the core that every face needs, and at the end the store for koa-session.
 *
 * They are one file because each file costs a cold start a quarter of a millisecond; what the first `get` of
 * most applications does without is required where it is needed.
 */
/* eslint global-require: "off" */
/* eslint no-param-reassign: ["error", { "props": false }] -- what a request knows is kept up to date */

const { readOptions } = require('./lib/options/read.js');

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

/** A bundler wraps this file in a module of its own making, and the binary beside it does not follow. */
const isBundled = () => typeof module.filename !== 'string';

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
  const built = targets.map((target) => `./${NAME}.${target}.node`);
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
const debug = process.env.DYNAMODB_STORE_DEBUG ? require('./lib/debug.js') : undefined;

const errors = () => require('./lib/errors.js');

let sessionData;

/** ./session-data.js. Asking `require` itself would cost every call a microsecond. */
function data() {
  sessionData ??= require('./lib/session-data.js');
  return sessionData;
}

/** Most sessions are JSON, which needs no other file. */
const parseText = (text) => (text.startsWith('A') ? data().parse(text) : JSON.parse(text));

/** The session of a raw text: behind its first line, which is the native part's. */
const parse = (raw) => (raw === undefined ? undefined : parseText(raw.slice(raw.indexOf('\n') + 1)));

/** The text to store of a session as it is now: the caller may go on changing it. */
const serialise = (session) => data().serialise(session);

let theHost;

/** What the native part asks of JavaScript, for all stores. */
function host() {
  const { Host } = require('./lib/host.js');
  theHost ||= new Host(binding);
  return theHost;
}

/** In the year 5138: an expiry with more digits is taken for one in milliseconds, which some packages wrote. */
const LATEST_MS = 99999999999 * 1000;

/** Creations under way and done, by configuration: stores built per request create a table once. */
const creations = new Map();

const isId = (id) => typeof id === 'string' && id !== '' && id.isWellFormed();

/** What the native part calls each framework; see src/face.rs. */
const FACES = { koa: 1, express: 2, fastify: 3 };

/** What one request, or one session object, knows of a session: what its next write is compared with and guarded by. */
class Known {
  /** The first line of it as it was loaded or last written; `''` when there was none; undefined when nobody looked. */
  head;

  /** The text behind it. */
  text;

  /** It was deleted meanwhile: what comes later is dropped. */
  gone;

  /** The write under way. */
  last = undefined;

  constructor(raw) {
    this.found(raw);
  }

  /** It was looked for, with this raw text as the result: `''` for none. */
  found(raw) {
    const end = raw ? raw.indexOf('\n') : 0;
    this.head = raw?.slice(0, end);
    this.text = raw ? raw.slice(end + 1) : '';
    this.gone = false;
  }
}

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

  #amend;

  /** `face`: the `layouts` it can read, and how it would `amend` an error. */
  constructor(given, { layouts, amend } = {}) {
    debug?.print('Initializing store', given);
    this.#amend = amend;
    this.options = readOptions(given, layouts);
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
      // The one setting with another name here that is not checked before.
      const message = error.message.replace(/^tls_roots/, 'dynamoConfig.httpOptions.agent: ca');
      throw errors().toError({ kind: 'Config', message, retryable: false }, error);
    }
  }

  /** What `found` makes of the session's raw text, or of undefined when there is none; by default the session. */
  get(id, found = parse) {
    // No item has an id that is none: a cookie that anyone can send is not worth an error.
    if (!isId(id)) return Promise.resolve(found(undefined));
    const session = this.#call((native) => native.get(id), (raw) => {
      this.#ended();
      try {
        return found(raw);
      } catch (error) {
        throw this.#readError(error);
      }
    }, this.#notRead);
    return debug ? debug.result('get', id, session) : session;
  }

  #notRead = (failure) => {
    this.#ended();
    throw this.#readError(failure);
  };

  #readError(failure) {
    return errors().withMessage('Unable to get session.', this.#error(failure));
  }

  /**
   * Writes a session over what is `known` of it, after the writes before it; one that has gone meanwhile stays so.
   * Resolves with an empty object.
   */
  set(known, id, text, ttlMs, face) {
    const start = (native) => native.set(id, text, ttlMs, face, known.head, known.text);
    return this.#write('set', known, id, ttlMs, start, text);
  }

  /** Moves the expiry alone, as `set` writes. */
  touch(known, id, text, ttlMs, face) {
    const start = (native) => native.touch(id, text, ttlMs, face, known.head ?? '', known.text || '{}');
    return this.#write('touch', known, id, ttlMs, start);
  }

  #write(name, known, id, ttlMs, start, text = undefined) {
    if (!isId(id)) return Promise.reject(errors().invalidId());
    if (known.gone) return Promise.resolve({});
    const written = (head) => {
      const stamp = head.startsWith('!') ? warnUpdateDenied(head) : head;
      known.gone = stamp === '';
      if (known.gone) return;
      // A touch stores no data: those that are there stay what the next write is compared with.
      if (known.head || text !== undefined) known.head = stamp;
      if (text !== undefined) known.text = text;
    };
    const result = this.#inOrder(known, start, written, () => known.gone);
    return debug ? debug.result(name, id, result, { ttlMs }) : result;
  }

  /**
   * Deletes a session, if there is one, after the writes before it and before those after it. Resolves with an empty
   * object.
   */
  destroy(id, known = new Known('')) {
    if (!isId(id)) return Promise.resolve({});
    known.gone = false;
    const result = this.#inOrder(known, (native) => native.destroy(id), () => known.found(''));
    return debug ? debug.result('destroy', id, result) : result;
  }

  /** Starts a call after those before it on what is `known`, unless by then it `isDropped`. */
  #inOrder(known, start, answered, isDropped = () => false) {
    let result;
    const ended = () => {
      this.#ended();
      if (known.last === result) known.last = undefined;
    };
    const succeeded = (answer) => {
      ended();
      answered(answer);
      return {};
    };
    const failed = (failure) => {
      ended();
      throw this.#error(failure);
    };
    const call = () => (isDropped() ? {} : this.#call(start, succeeded, failed));
    result = known.last ? known.last.then(call, call) : call();
    known.last = result;
    return result;
  }

  /** All sessions that live, a part at a time: each its id and its raw text. */
  async* list() {
    const part = async (token) => JSON.parse(await this.#scan((native) => native.list(token)));
    let next;
    do {
      const { sessions, next: token } = await part(next);
      yield sessions;
      next = token;
    } while (next !== null);
  }

  /** How many sessions live. */
  async count() { return Number(await this.#scan((native) => native.count())); }

  /** Deletes all sessions. Resolves with how many. */
  async clear() { return Number(await this.#scan((native) => native.clear())); }

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

  /** From now on `emit(name, event)` is called for what happens; see `on` of the faces. */
  listen(emit) {
    const log = (line) => {
      const { event, ...details } = JSON.parse(line);
      // Outside of what called: what a listener throws is its own affair.
      process.nextTick(emit, event, details);
    };
    const sink = { log };
    this.#kept.push(sink);
    this.#native.listen(host().logger(sink).id);
  }

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
    this.#amend?.(error);
    // Whoever deletes a table in use may want it created again.
    if (error.code === CODES.TableNotFound) creations.delete(this.#key());
    debug?.print('failed', { code: error.code, operation: error.operation, requestId: error.requestId });
    return error;
  }
}

let isContextMissed = false;

/** For a caller that does not say which request it is: nothing guards what it writes. */
function notKnown() {
  if (!isContextMissed) {
    isContextMissed = true;
    const { warnOnce } = require('./lib/warn.js');
    warnOnce('koa-session-dynamodb-store: set was called without koa\'s context, as koa-session does before 6.1: parallel requests overwrite each other and can undo a logout. Update koa-session.');
  }
  return new Known(undefined);
}

/** Warns, and returns what follows the mark. */
function warnUpdateDenied(head) {
  const { warnOnce } = require('./lib/warn.js');
  warnOnce('koa-session-dynamodb-store: UpdateItem is not allowed on the table, so sessions are written whole and parallel requests overwrite each other. Extend the IAM policy by dynamodb:UpdateItem.');
  return head.slice(1);
}

function warnNotCreated(error) {
  const { warnOnce } = require('./lib/warn.js');
  warnOnce(`koa-session-dynamodb-store: the table was not created: ${error.message}`, error.hint);
}

/** Calls back outside the promise, so that what the callback throws is not lost in it. */
function report(created, callback) {
  return created.then(() => process.nextTick(callback), (error) => process.nextTick(callback, error));
}

/** Creates the table while the store is made, if the options say so. Errors go to the callback, or to a warning. */
function createAtOnce(core, callback) {
  if (callback !== undefined && typeof callback !== 'function') throw new TypeError('callback must be a function');
  if (core.options.public.autoCreateTable) {
    report(core.createTableIfMissing({ once: true }), callback || ((error) => {
      if (error) warnNotCreated(error);
    }));
  }
}

/** The same when the application asks for it. Without a callback, errors go to the promise. */
function createIfMissing(core, callback) {
  const created = core.createTableIfMissing();
  // A promise of its own: unlike `ready`, it is for the caller to handle.
  return typeof callback === 'function' ? report(created, callback) : created.then();
}

/** Koa's context in the options of a call. Nothing can be remembered by what takes no property. */
function contextIn(options) {
  const ctx = options?.ctx;
  return typeof ctx === 'object' && ctx !== null && Object.isExtensible(ctx) ? ctx : undefined;
}

/**
 * The key on koa's context of what its request knows of its sessions. A WeakMap in its place would cost a `get` a
 * tenth more, and the process a third more memory, because V8 keeps its entries for a while.
 */
const SESSIONS = Symbol('koa-session-dynamodb-store');

/** What a request knows of a session in a store, at first that there is none; and `next`, what it knows of others. */
class KnownToRequest extends Known {
  constructor(store, id, next) {
    super('');
    this.store = store;
    this.id = id;
    this.next = next;
  }

  static of(ctx, store, id) {
    const first = ctx[SESSIONS];
    for (let known = first; known; known = known.next) {
      if (known.id === id && known.store === store) return known;
    }
    const known = new KnownToRequest(store, id, first);
    ctx[SESSIONS] = known;
    return known;
  }
}

/** A store for koa-session that keeps each session as one item of a DynamoDB table. */
class DynamoDBStore {
  #core;

  #events;

  constructor(options = {}, callback = undefined) {
    this.setOptions(options);
    createAtOnce(this.#core, callback);
  }

  setOptions(options) {
    this.#core = new Core(options);
    if (this.#events) this.#listen();
    Object.assign(this, this.#core.options.public);
  }

  /** The attribute that holds the expiry: the table's TTL attribute where it has one. */
  get ttlKey() { return this.#core.ttlAttribute; }

  /** Resolves once a creation of the table that is under way is done. */
  get ready() { return this.#core.creation; }

  get(id, maxAge, options) {
    const ctx = contextIn(options);
    if (!ctx) return this.#core.get(id);
    return this.#core.get(id, (raw = '') => {
      const known = KnownToRequest.of(ctx, this, id);
      known.found(raw);
      return raw === '' ? undefined : parseText(known.text);
    });
  }

  set(id, session, maxAge, options = undefined) {
    const ctx = contextIn(options);
    try {
      const text = serialise(session);
      const ttlMs = this.#core.ttlMs(maxAge);
      const known = ctx ? KnownToRequest.of(ctx, this, id) : notKnown();
      return this.#core.set(known, id, text, ttlMs, FACES.koa);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  destroy(id, options = undefined) {
    const ctx = contextIn(options);
    return this.#core.destroy(id, ctx ? KnownToRequest.of(ctx, this, id) : undefined);
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

  /** What this store, and all others of its configuration, have done since the first of them was made. */
  stats() { return this.#core.stats(); }

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
  createTableIfDontExists(callback = undefined) { return createIfMissing(this.#core, callback); }

  /** Waits for the calls under way. There is nothing else to close: an idle store keeps no process alive. */
  async close() { await this.#core.idle(); }
}

module.exports = DynamoDBStore;
module.exports.default = DynamoDBStore;
module.exports.DynamoDBStore = DynamoDBStore;

/** For the package's own files and tests: no part of the interface. */
module.exports.internal = {
  Core,
  FACES,
  Known,
  NAME,
  TARGETS,
  binding,
  createAtOnce,
  createIfMissing,
  parse,
  serialise,
};
