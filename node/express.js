'use strict';

/*
 * The store for express-session and @fastify/session.
 *
 * Both ask with callbacks, and neither says what the session it stores was loaded as. That is remembered here, by
 * the session object: express-session has its own made by `createSession`, and @fastify/session copies what `get`
 * gave key by key, one of which leads back here.
 */
/* eslint global-require: "off" -- see index.js: what most applications do without is loaded where it is needed */

const EventEmitter = require('node:events');
const { internal: { Core, Known, startCreation, report } } = require('./index.js');

/** What the native part knows the frameworks by: which fields each cannot carry. */
const FACES = { none: 0, express: 2, fastify: 3 };

/** The key whose value leads from @fastify/session's object to what is known of it. JSON leaves functions out. */
const LOADED = 'koa-session-dynamodb-store:loaded';

/** Events that the native part tells once somebody listens. */
const EVENTS = ['conflict', 'unreadable', 'retry', 'throttled'];

const isObject = (value) => typeof value === 'object' && value !== null;

/**
 * Calls back as well, where there is a callback: once, and outside the promise, so that what the callback throws is
 * not lost in it. Whoever has a callback may leave the promise alone.
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

/** For who passes on a callback that the application did not give: not even a promise is looked at there. */
function orWarn([callback], what) {
  return callback ?? ((error) => {
    if (!error) return;
    const { warnOnce } = require('./lib/warn.js');
    warnOnce(`koa-session-dynamodb-store: ${what} failed and no callback was there to be told: ${error.code}`, error.hint);
  });
}

/** The `Store` of the application's express-session, which knows its sessions and cookies. */
function expressStore() {
  try {
    // eslint-disable-next-line import/no-extraneous-dependencies -- the application's; who has none needs none
    return require('express-session').Store;
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error('koa-session-dynamodb-store/express does not find express-session. Install both side by side; in a bundle mark both as external.', { cause: error });
  }
}

/** Milliseconds that a session has left by its cookie; undefined where that ends with the browser. */
function msLeft({ expires, maxAge, originalMaxAge }) {
  if (expires) {
    const ms = new Date(expires).getTime() - Date.now();
    if (!Number.isNaN(ms)) return ms;
  }
  return [maxAge, originalMaxAge].find((ms) => typeof ms === 'number' && !Number.isNaN(ms));
}

/** A session as JSON has it, but for what only DynamoDB keeps, such as Buffers. */
function plain(session) {
  if (typeof session.toJSON === 'function') return session;
  const { cookie } = session;
  return { ...session, cookie: typeof cookie.toJSON === 'function' ? cookie.toJSON() : cookie };
}

/** When the row of a raw session expires, in epoch milliseconds, if it does. */
function expiryOf(raw) {
  const text = raw.slice(raw.indexOf(',') + 1, raw.indexOf('\n'));
  return text === '' ? undefined : Number(text);
}

/** What is known of a session object: the id it was loaded or stored under, and what is stored there. */
class Loaded {
  constructor(sid, raw, face) {
    this.sid = sid;
    this.known = new Known(raw);
    this.face = face;
  }
}

/** A store for express-session and @fastify/session that keeps each session as one item of a DynamoDB table. */
class DynamoDBStore extends EventEmitter {
  #core;

  /** `Loaded` by session object, or by the function that stands for one. */
  #loaded = new WeakMap();

  #generate;

  constructor(options = {}, callback = undefined) {
    super();
    this.#core = new Core(options, { layouts: true });
    Object.assign(this, this.#core.options.public);
    this.on('newListener', (name) => {
      if (EVENTS.includes(name)) this.#core.listen(this);
    });
    startCreation(this.#core, callback);
  }

  /** The attribute that holds the expiry: the table's TTL attribute where it has one. */
  get ttlKey() { return this.#core.ttlAttribute; }

  /** Resolves once a creation of the table that is under way is done. */
  get ready() { return this.#core.creation; }

  /** Set by express-session: makes a new session for a request. */
  get generate() { return this.#generate; }

  set generate(generate) {
    // Without it the first visitor who comes back would be the one to find out.
    expressStore();
    this.#generate = generate;
  }

  /** The session; undefined when there is none. */
  get(sid, callback = undefined) {
    const isForFramework = typeof callback === 'function';
    return settle(this.#core.get(sid, (raw) => this.#found(sid, raw, isForFramework)), callback);
  }

  #found(sid, raw, isForFramework) {
    const session = raw === undefined ? undefined : this.#read(raw);
    if (session === undefined) return undefined;
    if (isForFramework) {
      const key = () => {};
      this.#loaded.set(key, new Loaded(sid, raw, FACES.fastify));
      session[LOADED] = key;
    } else {
      this.#loaded.set(session, new Loaded(sid, raw, FACES.none));
    }
    return session;
  }

  /** The session of a row; undefined when no framework could use it. */
  #read(raw) {
    const session = this.#core.parse(raw);
    if (this.#core.isForeign(raw)) require('./lib/dynamodb-store.js').restoreCookie(session, expiryOf(raw));
    return isObject(session.cookie) ? session : undefined;
  }

  /** Stores a session as it is now, for as long as its cookie lives. */
  set(sid, session, callback = undefined) {
    return settle(this.#set(sid, session), callback);
  }

  async #set(sid, session) {
    const { text, ttlMs } = this.#stored(session);
    const loaded = this.#loadedOf(sid, session);
    if (loaded) await this.#core.write(loaded.known, sid, text, ttlMs, loaded.face);
    else await this.#core.put(sid, text, ttlMs);
  }

  /** Moves the expiry of a session that is there. */
  touch(sid, session, callback = undefined) {
    return settle(this.#touch(sid, session), callback);
  }

  async #touch(sid, session) {
    const { text, ttlMs } = this.#stored(session);
    const { known, face } = this.#loadedOf(sid, session) ?? new Loaded(sid, undefined, FACES.none);
    await this.#core.touch(known, sid, text, ttlMs, face);
  }

  #stored(session) {
    if (!isObject(session?.cookie)) {
      throw require('./lib/errors.js').invalidSession('The session cannot be stored: it has no cookie, which express-session and @fastify/session give each.');
    }
    return {
      text: this.#core.serialise(plain(session)),
      ttlMs: msLeft(session.cookie) ?? this.#core.options.sessionTtl,
    };
  }

  /** What is known of a session object; undefined when it was loaded under another id, of which nothing follows. */
  #loadedOf(sid, session) {
    const own = this.#loaded.get(session);
    if (own) return own.sid === sid ? own : undefined;
    const carried = this.#loaded.get(session[LOADED]);
    if (carried?.sid === sid) return carried;
    const fresh = new Loaded(sid, undefined, FACES.none);
    this.#loaded.set(session, fresh);
    return fresh;
  }

  /** Deletes a session, if there is one. */
  destroy(sid, ...rest) {
    const gone = this.#core.destroy(sid).then(() => {});
    // express-session passes on what `req.session.destroy()` was given, which may be nothing.
    return settle(gone, rest.length > 0 ? orWarn(rest, 'destroying a session') : undefined);
  }

  /** All sessions, each with its `id`. */
  all(callback = undefined) {
    return settle(this.#all(), callback);
  }

  async #all() {
    const sessions = [];
    for await (const [id, raw] of this.#core.list()) {
      const session = this.#read(raw);
      if (session) {
        this.#loaded.set(session, new Loaded(id, raw, FACES.none));
        sessions.push(Object.assign(session, { id }));
      }
    }
    return sessions;
  }

  /** How many sessions there are. */
  length(callback = undefined) { return settle(this.#core.count(), callback); }

  /** Deletes all sessions. */
  clear(callback = undefined) { return settle(this.#core.clear().then(() => {}), callback); }

  /** Gives a request a new session under a new id in place of its own. */
  regenerate(req, ...rest) {
    const regenerated = new Promise((resolve, reject) => {
      this.destroy(req.sessionID, (error) => {
        try {
          // Whatever became of the old one.
          this.generate(req);
        } catch (reason) {
          reject(reason);
        }
        if (error) reject(error);
        else resolve();
      });
    });
    return settle(regenerated, rest.length > 0 ? orWarn(rest, 'regenerating a session') : undefined);
  }

  /** The session as express-session's own, without a request. */
  load(sid, callback = undefined) {
    const load = async () => {
      const sess = await new Promise((resolve, reject) => {
        this.get(sid, (error, found) => (error ? reject(error) : resolve(found)));
      });
      return sess ? this.createSession({ sessionID: sid, sessionStore: this }, sess) : undefined;
    };
    return settle(load(), callback);
  }

  /** Makes express-session's own session of what `get` gave, and gives it to the request. */
  createSession(req, sess) {
    const loaded = this.#loaded.get(sess) ?? this.#loaded.get(sess[LOADED]);
    delete sess[LOADED]; // eslint-disable-line no-param-reassign -- nobody has seen it yet
    const session = expressStore().prototype.createSession.call(this, req, sess);
    if (loaded) {
      loaded.face = FACES.express;
      this.#loaded.set(session, loaded);
    }
    return session;
  }

  /** Counts, times and capacity units since the process started. */
  stats() { return this.#core.stats(); }

  /** Creates the table if it is missing. With a callback, that is where errors go. */
  createTableIfDontExists(callback = undefined) {
    const created = this.#core.createTableIfMissing();
    return typeof callback === 'function' ? report(created, callback) : created.then();
  }

  /** Waits for the calls under way. There is nothing else to close: an idle store keeps no process alive. */
  async close() { await this.#core.idle(); }
}

module.exports = DynamoDBStore;
module.exports.default = DynamoDBStore;
module.exports.DynamoDBStore = DynamoDBStore;
