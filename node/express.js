'use strict';

/*
 * The store for express-session and @fastify/session.
 *
 * Both ask with callbacks, and neither says what the session it stores was loaded as. That is remembered here, by
 * the session object: express-session has its own made by `createSession`, and @fastify/session copies what `get`
 * gave key by key, one of which leads back here.
 */
/* eslint no-param-reassign: ["error", { "props": false }] -- objects that nobody else has seen yet */
/* eslint global-require: "off" -- see index.js: what most applications do without is loaded where it is needed */

const EventEmitter = require('node:events');
const {
  internal: {
    Core, FACES, Known, createAtOnce, createIfMissing, parse, serialise,
  },
} = require('./index.js');

/** Items of other packages that can be read: what such a table calls its key, and how its ids begin. */
const LAYOUTS = {
  'connect-dynamodb': { table: { hashKey: 'id' }, prefix: 'sess:' },
  'dynamodb-store': { prefix: 'sess:' },
};

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

/** A session as connect-dynamodb stores it, with what JSON makes of Buffers and the like. */
function json(session) {
  try {
    return JSON.stringify(session);
  } catch {
    // This one says where.
    return serialise(session);
  }
}

const isAge = (ms) => typeof ms === 'number' && Math.abs(ms) < 1e14;

/**
 * What a cookie's attributes may be. The frameworks trust what a store gives them: with an item that somebody crafted
 * they fail where they answer, and some of that ends the process.
 */
const COOKIE = {
  originalMaxAge: isAge,
  maxAge: isAge,
  // The years that fit in a cookie.
  expires: (date) => typeof date === 'string' && Date.parse(date) > -1e13 && Date.parse(date) < 2.5e14,
  path: (path) => /^[ -:=-~]*$/.test(path),
  domain: (domain) => /^\.?(?!-)[a-z\d-]{1,63}(?<!-)(\.(?!-)[a-z\d-]{1,63}(?<!-))*$/i.test(domain),
  sameSite: (value) => typeof value === 'boolean' || /^(strict|lax|none)$/i.test(value),
  priority: (value) => /^(low|medium|high)$/i.test(value),
};

/** Whether a session has a cookie that the frameworks can work with. */
function hasCookie({ cookie }) {
  if (!isObject(cookie)) return false;
  return Object.entries(COOKIE).every(([name, isValid]) => {
    const value = cookie[name];
    // An empty text or null is as good as nothing.
    return !value || (typeof value !== 'object' && isValid(value));
  });
}

/** The session of an item; undefined where it has no cookie, which the frameworks cannot do without. */
function read(raw) {
  if (raw === undefined) return undefined;
  const session = parse(raw);
  // @fastify/session assigns every key to its own object, which this one would give another prototype.
  if (Object.hasOwn(session, '__proto__')) delete session.__proto__; // eslint-disable-line no-proto
  // Of another package's layout.
  if (raw.startsWith('f')) require('./lib/dynamodb-store.js').restoreCookie(session, raw);
  return hasCookie(session) ? session : undefined;
}

/** `statusCode` is what @fastify/session has the visitor answered with, whatever the service's own was. */
function amend(error) {
  if (error.statusCode === undefined || error.serviceStatusCode !== undefined) return;
  error.serviceStatusCode = error.statusCode;
  error.statusCode = error.status;
}

/** A session object, or what stands for one: the id it was loaded or stored under, and what is known of that. */
class Loaded {
  face = FACES.fastify;

  constructor(sid, raw) {
    this.sid = sid;
    this.known = new Known(raw);
  }
}

/** A store for express-session and @fastify/session that keeps each session as one item of a DynamoDB table. */
class DynamoDBStore extends EventEmitter {
  #core;

  /** `Loaded` by session object, or by the function that stands for one. */
  #loaded = new WeakMap();

  /** Sessions on their way into the table that nothing guards, by id. */
  #firstWrites = new Map();

  #generate;

  /** Whether the table holds each session as one text. */
  #isText;

  constructor(options = {}, callback = undefined) {
    super();
    this.#core = new Core(options, { layouts: LAYOUTS, amend });
    this.#isText = this.#core.options.native.layout === 'connect-dynamodb';
    Object.assign(this, this.#core.options.public);
    const listen = (name) => {
      if (!EVENTS.includes(name)) return;
      this.off('newListener', listen);
      this.#core.listen((event, details) => this.emit(event, details));
    };
    this.on('newListener', listen);
    createAtOnce(this.#core, callback);
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
    const found = (raw) => {
      const session = read(raw);
      if (session) this.#remember(session, new Loaded(sid, raw), typeof callback === 'function');
      return session;
    };
    return settle(this.#core.get(sid, found), callback);
  }

  #remember(session, loaded, isForFramework) {
    if (isForFramework) {
      const key = () => {};
      session[LOADED] = key;
      this.#loaded.set(key, loaded);
    } else {
      this.#loaded.set(session, loaded);
    }
  }

  /** What is known of a session object that is written under an id. What it was under another id says nothing. */
  #known(sid, session) {
    const own = this.#loaded.get(session);
    const carried = this.#loaded.get(session[LOADED]);
    const known = [own, carried].find((loaded) => loaded?.sid === sid);
    if (known) return known;
    const loaded = new Loaded(sid, undefined);
    if (!own) this.#loaded.set(session, loaded);
    return loaded;
  }

  /** Stores a session as it is now, for as long as its cookie lives. */
  set(sid, session, callback = undefined) {
    return settle(this.#write(sid, session, ({ known, face }, text, ttlMs) => {
      const written = this.#core.set(known, sid, text, ttlMs, face);
      if (known.head === undefined) this.#noteFirstWrite(sid, written);
      return written;
    }), callback);
  }

  /** Moves the expiry of a session that is there. */
  touch(sid, session, callback = undefined) {
    return settle(this.#write(sid, session, ({ known, face }, text, ttlMs) => (
      this.#core.touch(known, sid, text, ttlMs, face))), callback);
  }

  async #write(sid, session, write) {
    if (!isObject(session?.cookie)) {
      throw require('./lib/errors.js').invalidSession('The session cannot be stored: it has no cookie, which express-session and @fastify/session give each.');
    }
    const text = this.#isText ? json(session) : serialise(plain(session));
    const ttlMs = msLeft(session.cookie) ?? this.#core.options.sessionTtl;
    await write(this.#known(sid, session), text, ttlMs);
  }

  #noteFirstWrite(sid, written) {
    const done = () => { if (this.#firstWrites.get(sid) === written) this.#firstWrites.delete(sid); };
    this.#firstWrites.set(sid, written);
    written.then(done, done);
  }

  /** Deletes a session, if there is one. */
  destroy(sid, ...rest) {
    const known = new Known('');
    // One that is being stored for the first time is deleted after that.
    known.last = this.#firstWrites.get(sid);
    const gone = this.#core.destroy(sid, known).then(() => {});
    // express-session passes on what `req.session.destroy()` was given, which may be nothing.
    return settle(gone, rest.length > 0 ? orWarn(rest, 'destroying a session') : undefined);
  }

  /** All sessions, each with its `id`. */
  all(callback = undefined) {
    return settle(this.#all(), callback);
  }

  async #all() {
    const sessions = [];
    for await (const part of this.#core.list()) {
      for (const [id, raw] of part) {
        const session = read(raw);
        if (session) {
          this.#remember(session, new Loaded(id, raw), false);
          sessions.push(Object.assign(session, { id }));
        }
      }
    }
    return sessions;
  }

  /** How many sessions there are. */
  length(callback = undefined) { return settle(this.#core.count(), callback); }

  /** Deletes all sessions. How many there were. */
  clear(callback = undefined) { return settle(this.#core.clear(), callback); }

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
    delete sess[LOADED];
    const session = expressStore().prototype.createSession.call(this, req, sess);
    if (loaded) {
      loaded.face = FACES.express;
      this.#loaded.set(session, loaded);
    }
    return session;
  }

  /** What this store, and all others of its configuration, have done since the first of them was made. */
  stats() { return this.#core.stats(); }

  /** Creates the table if it is missing. With a callback, that is where errors go. */
  createTableIfDontExists(callback = undefined) { return createIfMissing(this.#core, callback); }

  /** Waits for the calls under way. There is nothing else to close: an idle store keeps no process alive. */
  async close() { await this.#core.idle(); }
}

module.exports = DynamoDBStore;
module.exports.default = DynamoDBStore;
module.exports.DynamoDBStore = DynamoDBStore;
