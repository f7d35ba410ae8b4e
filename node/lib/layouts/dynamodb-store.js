'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- a session that was just read is changed in place */

/**
 * Tables of the package dynamodb-store. Its sessions hold all properties of express-session's cookie object without
 * their dates, and a time stamp among the application's fields.
 */

const { expiresOf } = require('../frame.js');

const SETTINGS = ['originalMaxAge', 'path', 'httpOnly', 'secure', 'domain', 'sameSite', 'priority', 'partitioned'];

/** When an item expires, as a date in JSON; null when it does not. */
function expiryOf(head) {
  const ms = expiresOf(head);
  if (ms === undefined) return null;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Makes the session of such an item the same as express-session's own JSON. */
function restore(session, head) {
  delete session.updated;
  const { cookie } = session;
  if (typeof cookie !== 'object' || cookie === null) return;
  const lives = typeof cookie.originalMaxAge === 'number';
  session.cookie = {
    ...Object.fromEntries(SETTINGS.filter((name) => name in cookie).map((name) => [name, cookie[name]])),
    expires: lives ? expiryOf(head) : null,
  };
}

module.exports = { prefix: 'sess:', restore };
