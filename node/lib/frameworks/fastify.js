'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- a session that is still private to this module */

/** @fastify/session, which uses the store for express-session. */

const { COOKIE } = require('../cookie.js');

/** What @fastify/session keeps in a session. It leaves out what it keeps elsewhere. */
const FASTIFY = { expiry: COOKIE, notCarried: ['sessionId', 'encryptedSessionId', '__proto__'] };

/**
 * @fastify/session copies the properties of a loaded session to an object of its own. One of them is a function that
 * stands for what was loaded: the copy keeps it, and JSON and hashes ignore functions.
 */
const LOADED = 'koa-session-dynamodb-store:loaded';

/** Has copies of a session lead back to it. Returns the object that stands for it. */
function mark(session) {
  const loaded = () => {};
  session[LOADED] = loaded;
  return loaded;
}

/** What stands for the session of which this one is a copy. */
const markOf = (session) => session[LOADED];

function unmark(session) {
  delete session[LOADED];
}

module.exports = {
  FASTIFY, mark, markOf, unmark,
};
