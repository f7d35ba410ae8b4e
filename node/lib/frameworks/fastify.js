'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- a session that is still private to this module */

/** @fastify/session, which uses the store for express-session. */

const { COOKIE } = require('../cookie.js');

/** What @fastify/session keeps in a session. It leaves out what it keeps elsewhere. */
const FASTIFY = { expiry: COOKIE, notCarried: ['sessionId', 'encryptedSessionId', '__proto__'] };

/** Methods that @fastify/session calls on its sessions: it would overwrite them by fields of these names. */
const METHODS = ['touch', 'regenerate', 'destroy', 'reload', 'save', 'isModified', 'isSaved'];

/** Whether @fastify/session can work with the fields of a session. */
const hasOwnMethods = (session) => !METHODS.some((name) => Object.hasOwn(session, name));

/**
 * @fastify/session copies the properties of a loaded session to an object of its own, and those of its cookie to its
 * cookie options. There it keeps this symbol, which stands for what was loaded. No field of the session does: an
 * application can delete fields and copy them elsewhere.
 */
const LOADED = Symbol('koa-session-dynamodb-store:loaded');

/** Has copies of a session lead back to it. Returns the object that stands for it. */
function mark(session) {
  const loaded = {};
  session.cookie[LOADED] = loaded;
  return loaded;
}

/** What stands for the session of which this one is a copy. */
function markOf(session) {
  const options = Object.getOwnPropertySymbols(session).map((symbol) => session[symbol]?.[LOADED]);
  return session.cookie?.[LOADED] ?? options.find(Boolean);
}

/** The request that has this session: @fastify/session keeps it there under a symbol of its own. */
function requestOf(session) {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'request');
  return symbol && session[symbol];
}

function unmark(session) {
  delete session.cookie?.[LOADED];
}

module.exports = {
  FASTIFY, hasOwnMethods, mark, markOf, requestOf, unmark,
};
