'use strict';

/*
 * The store for express-session and @fastify/session.
 *
 * Both ask with callbacks, and neither says what the session it stores was loaded as. That is remembered here, by
 * the session object: express-session has its own made by `createSession`, and ./fastify.js marks what
 * @fastify/session copies.
 */
/* eslint no-param-reassign: ["error", { "props": false }] -- objects that are still private to this class */
/* eslint global-require: "off" -- what most applications do without is loaded when it is needed */

const EventEmitter = require('node:events');
const { orWarn, settle } = require('../callback.js');
const {
  COOKIE, hasCookie, isObject, limit, msLeft,
} = require('../cookie.js');
const { Core } = require('../core.js');
const { headOf, isByKey, isForeign } = require('../frame.js');
const layouts = require('../layouts/index.js');
const { parse, serialise } = require('../session.js');
const { Tracked } = require('../tracked.js');
const fastify = require('./fastify.js');

/** What express-session keeps in a session. It ignores names that its `Session`, or any object, has already. */
const EXPRESS = {
  expiry: COOKIE,
  notCarried: [
    'req', 'id', 'touch', 'resetMaxAge', 'save', 'reload', 'destroy', 'regenerate',
    'constructor', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'toLocaleString', 'toString', 'valueOf',
    '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__', '__proto__',
  ],
};

/** Events that the native part reports once somebody listens. */
const EVENTS = ['conflict', 'unreadable', 'retry', 'throttled'];

let theirStore;

/** The `Store` of the application's express-session, which knows its sessions and cookies. */
function expressStore() {
  if (theirStore) return theirStore;
  try {
    // eslint-disable-next-line import/no-extraneous-dependencies -- the application's own: Fastify needs none
    theirStore = require('express-session').Store;
    return theirStore;
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error('koa-session-dynamodb-store/express does not find express-session. Install both side by side; in a bundle mark both as external.', { cause: error });
  }
}

/** A session with its cookie as JSON has it, and with those values that only DynamoDB can keep, such as Buffers. */
function plain(session) {
  if (typeof session.toJSON === 'function') return session;
  const { cookie } = session;
  return { ...session, cookie: typeof cookie.toJSON === 'function' ? cookie.toJSON() : cookie };
}

/** `statusCode` is what @fastify/session answers the visitor with, whatever the service's own was. */
function amend(error) {
  if (error.statusCode === undefined || error.serviceStatusCode !== undefined) return;
  error.serviceStatusCode = error.statusCode;
  error.statusCode = error.status;
}

/** A session object, or what stands for one: the id it was loaded or stored under, and what is tracked of it. */
class LoadedSession {
  /** Until express-session has its own session made of it. */
  framework = fastify.FASTIFY;

  constructor(id, frame) {
    this.id = id;
    this.tracked = new Tracked(frame);
  }

  /** The session as another one of its request, which it is after `regenerate`. */
  asOther() {
    const { id, tracked: { ended, text } } = this;
    return { id, ended, text };
  }
}

/** A store for express-session and @fastify/session that keeps each session as one item of a DynamoDB table. */
class ExpressDynamoDBStore extends EventEmitter {
  /** @type {Core} */
  #core;

  /** `LoadedSession` by session object, or by the function that stands for one. */
  #loaded = new WeakMap();

  /** What `all` found, by the session objects that it gave. */
  #listed = new WeakMap();

  /** First writes under way by id, of sessions that nothing guards yet. */
  #firstWrites = new Map();

  #generate;

  /** Of another package, if the option says so. */
  #layout;

  /**
   * @param {import('../../types/common').ExpressOptions} [options]
   * @param {import('../../types/express').CreationCallback} [callback]
   */
  constructor(options = {}, callback = undefined) {
    super();
    this.#core = new Core(options, { framework: EXPRESS, layouts, amend });
    this.#layout = layouts.LAYOUTS[this.#core.options.native.layout];
    Object.assign(this, this.#core.options.public);
    const listen = (name) => {
      if (!EVENTS.includes(name)) return;
      this.off('newListener', listen);
      this.#core.listen((event, details) => this.emit(event, details));
    };
    this.on('newListener', listen);
    this.#core.createTableAtOnce(callback);
  }

  /** The attribute that holds the expiry: the table's TTL attribute where it has one. */
  get ttlKey() { return this.#core.ttlAttribute; }

  /** Resolves once a creation of the table that is under way is done. */
  get ready() { return this.#core.creation; }

  /** Set by express-session: makes a new session for a request. */
  get generate() { return this.#generate; }

  set generate(generate) {
    // Without express-session, the first visitor who comes back would be the one to find out.
    expressStore();
    this.#generate = (req) => {
      const before = this.#loaded.get(req.session);
      generate(req);
      // It is new, so its first write creates it.
      if (isObject(req.session)) {
        const loaded = new LoadedSession(req.sessionID, '');
        if (before) loaded.tracked.before = before.asOther();
        this.#loaded.set(req.session, loaded);
      }
    };
  }

  /**
   * The session; undefined if it does not exist.
   *
   * @param {string} sid
   * @param {(error: any, session?: any) => void} [callback]
   */
  get(sid, callback = undefined) {
    const found = (frame) => {
      const session = this.#read(sid, frame);
      if (session) {
        const loaded = this.#track(sid, frame, session);
        // @fastify/session, which calls with a callback, copies it.
        if (typeof callback === 'function') this.#loaded.set(fastify.mark(session), loaded);
      }
      return session;
    };
    return settle(this.#core.get(sid, found), callback, 'loading a session');
  }

  /** The session of a frame; undefined, and an event, where the frameworks cannot work with it. */
  #read(sid, frame) {
    if (frame === undefined) return undefined;
    const session = this.#sessionOf(frame);
    if (!session) this.#core.reportUnreadable(sid, headOf(frame));
    return session;
  }

  #sessionOf(frame) {
    const session = parse(frame);
    // @fastify/session assigns every key to its own object, and this key would give it another prototype.
    if (Object.hasOwn(session, '__proto__')) delete session.__proto__; // eslint-disable-line no-proto
    const head = headOf(frame);
    if (isForeign(head)) this.#layout?.restore?.(session, head);
    // express-session, which has set `generate`, leaves out names that its sessions have already.
    if (!hasCookie(session) || !(this.#generate || fastify.hasOwnMethods(session))) return undefined;
    limit(session.cookie);
    return session;
  }

  /** Remembers a session that was loaded, by its object. */
  #track(id, frame, session) {
    const loaded = new LoadedSession(id, frame);
    this.#core.computed?.loaded(loaded.tracked, session);
    this.#loaded.set(session, loaded);
    return loaded;
  }

  /** The loaded session that a session object is written over. What it was under another id says nothing. */
  #loadedAs(sid, session) {
    const own = this.#loaded.get(session);
    const marked = this.#loaded.get(fastify.markOf(session));
    const found = [own, marked].find((loaded) => loaded?.id === sid);
    if (found) return found;
    const loaded = new LoadedSession(sid, undefined);
    if (!own) this.#loaded.set(session, loaded);
    return loaded;
  }

  /** Stores a session as it is now, for as long as its cookie lives. */
  set(sid, session, callback = undefined) {
    return settle(this.#write(sid, session, ({ tracked, framework }, text, maxAge) => {
      const written = this.#core.set(tracked, sid, text, maxAge, framework);
      if (!tracked.head) this.#noteFirstWrite(sid, written);
      return written;
    }), callback, 'storing a session');
  }

  /** Moves the expiry of a session that is there. */
  touch(sid, session, callback = undefined) {
    return settle(this.#write(sid, session, ({ tracked, framework }, text, maxAge) => (
      this.#core.touch(tracked, sid, text, maxAge, framework))), callback, 'moving the expiry of a session');
  }

  async #write(sid, session, write) {
    if (!isObject(session?.cookie)) {
      throw require('../errors.js').invalidSession('The session cannot be stored: it has no cookie, which express-session and @fastify/session give each.');
    }
    const stored = this.#withOwnId(session);
    const text = this.#layout?.serialise ? this.#layout.serialise(stored, serialise) : serialise(plain(stored));
    const loaded = this.#loadedAs(sid, session);
    if (this.#core.computed?.users) this.#noteRequest(loaded, session);
    await write(loaded, text, msLeft(session.cookie));
  }

  /** Notes of a session that is stored which request has it, and which session that had before. */
  #noteRequest({ id, tracked }, session) {
    const request = session.req ?? fastify.requestOf(session);
    tracked.request = request;
    const before = request?.session;
    if (tracked.before || !isObject(before) || before === session) return;
    const loaded = this.#loaded.get(before) ?? this.#loaded.get(fastify.markOf(before));
    if (loaded && loaded.id !== id) tracked.before = loaded.asOther();
  }

  /** A session that `all` gave, without the id that `all` has put into it. */
  #withOwnId(session) {
    const listed = this.#listed.get(session);
    if (!listed?.showsId || session.id !== listed.id) return session;
    const { id, ...own } = session;
    return listed.ownId === undefined ? own : { ...own, id: listed.ownId };
  }

  #noteFirstWrite(sid, written) {
    const done = () => { if (this.#firstWrites.get(sid) === written) this.#firstWrites.delete(sid); };
    this.#firstWrites.set(sid, written);
    written.then(done, done);
  }

  /** Deletes a session: by its id, or one that `all` gave. Succeeds even if the session does not exist. */
  destroy(sidOrSession, ...rest) {
    const gone = this.#destroy(sidOrSession);
    // express-session passes on what `req.session.destroy()` was given, which may be nothing.
    const what = 'destroying a session';
    return settle(gone, rest.length > 0 ? orWarn(rest[0], what) : undefined, what);
  }

  async #destroy(sidOrSession) {
    const listed = this.#listed.get(sidOrSession);
    if (isObject(sidOrSession) && !listed) {
      // It would succeed, and the visitor stay signed in.
      throw require('../errors.js').invalidSession('The session cannot be deleted: all() of this store has not returned this object. Give its id.');
    }
    const { id, tracked } = listed ?? { id: sidOrSession, tracked: new Tracked('') };
    // A session that is being stored for the first time is deleted after that.
    tracked.last = this.#firstWrites.get(id);
    await this.#core.destroy(id, tracked);
  }

  /** All sessions, each with its `id`, where the table has it. */
  all(callback = undefined) {
    return settle(this.#all(), callback, 'reading all sessions');
  }

  async #all() {
    const sessions = [];
    for await (const page of this.#core.list()) {
      for (const [id, frame, ref] of page) {
        const session = this.#read(id, frame);
        if (session) {
          const loaded = this.#track(id, frame, session);
          const showsId = !isByKey(headOf(frame));
          this.#listed.set(session, {
            id, ref, tracked: loaded.tracked, showsId, ownId: session.id,
          });
          if (showsId) session.id = id;
          sessions.push(session);
        }
      }
    }
    return sessions;
  }

  /** The reference of a session that `all` gave: its name for logs and operators, which opens nothing. */
  refOf(session) { return this.#listed.get(session)?.ref; }

  async #count() {
    let count = 0;
    for await (const page of this.#core.list()) count += page.filter(([id, frame]) => this.#read(id, frame)).length;
    return count;
  }

  /** How many sessions there are. */
  length(callback = undefined) { return settle(this.#count(), callback, 'counting the sessions'); }

  /**
   * Deletes all sessions. Resolves with how many there were. With `tombstones`, nothing stays in their place.
   *
   * @param {{ tombstones?: boolean } | ((error: any, count?: number) => void)} [options]
   * @param {(error: any, count?: number) => void} [callback]
   */
  clear(options = undefined, callback = undefined) {
    if (typeof options === 'function') return this.clear(undefined, options);
    return settle(this.#core.clear(options ?? {}), callback, 'deleting all sessions');
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
  deleteExpired(callback = undefined) { return settle(this.#core.deleteExpired(), callback, 'deleting expired sessions'); }

  /** Gives a request a new session under a new id in place of its own. */
  regenerate(req, ...rest) {
    /** @type {Promise<void>} */
    const regenerated = new Promise((resolve, reject) => {
      this.destroy(req.sessionID, (error) => {
        try {
          // Even if the old session could not be deleted.
          this.generate(req);
        } catch (reason) {
          reject(reason);
        }
        if (error) reject(error);
        else resolve();
      });
    });
    const what = 'regenerating a session';
    return settle(regenerated, rest.length > 0 ? orWarn(rest[0], what) : undefined, what);
  }

  /** The session as express-session's own, without a request. */
  load(sid, callback = undefined) {
    const load = async () => {
      const sess = await new Promise((resolve, reject) => {
        this.get(sid, (error, found) => (error ? reject(error) : resolve(found)));
      });
      return sess ? this.createSession({ sessionID: sid, sessionStore: this }, sess) : undefined;
    };
    return settle(load(), callback, 'loading a session');
  }

  /** Makes express-session's own session of what `get` gave, and gives it to the request. */
  createSession(req, sess) {
    const loaded = this.#loaded.get(sess) ?? this.#loaded.get(fastify.markOf(sess));
    fastify.unmark(sess);
    // Of a number express-session would not make a date.
    if (typeof sess.cookie?.expires === 'number') sess.cookie.expires = new Date(sess.cookie.expires).toISOString();
    const session = expressStore().prototype.createSession.call(this, req, sess);
    if (loaded) {
      loaded.framework = EXPRESS;
      this.#loaded.set(session, loaded);
    }
    return session;
  }

  /** What this store, and all others of its configuration, have done since the first of them was made. */
  stats() { return this.#core.stats(); }

  /**
   * Creates the table if it is missing. With a callback, that is where errors go.
   *
   * @param {import('../../types/express').CreationCallback} [callback]
   */
  createTableIfDontExists(callback = undefined) { return this.#core.table.createIfMissing(callback); }

  /** Waits for the calls under way. There is nothing else to close: an idle store keeps no process alive. */
  async close() { await this.#core.idle(); }
}

module.exports = { ExpressDynamoDBStore };
