'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- a session that was just read is changed in place */

/**
 * Sessions as the package dynamodb-store keeps them: what express-session's cookie lists of itself, its dates lost,
 * and a time stamp among the application's fields.
 */

const SETTINGS = ['originalMaxAge', 'path', 'httpOnly', 'secure', 'domain', 'sameSite', 'priority', 'partitioned'];

/** When an item expires that was read as `[f]CREATED,EXPIRES` and a new line, if it does. */
function expiryOf(raw) {
  const ms = raw.slice(raw.indexOf(',') + 1, raw.indexOf('\n'));
  const date = new Date(Number(ms));
  return ms === '' || Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Makes the session of such an item what express-session's own JSON says. */
function restoreCookie(session, raw) {
  delete session.updated;
  const { cookie } = session;
  if (typeof cookie !== 'object' || cookie === null) return;
  const lives = typeof cookie.originalMaxAge === 'number';
  session.cookie = {
    ...Object.fromEntries(SETTINGS.filter((name) => name in cookie).map((name) => [name, cookie[name]])),
    expires: lives ? expiryOf(raw) : null,
  };
}

module.exports = { restoreCookie };
