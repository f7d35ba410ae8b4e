'use strict';

/** The cookie in the sessions of Express and Fastify. */

/** The cookie is written together with the expiry. Its dates say when the session ends, its ages how long it lasts. */
const COOKIE = [{
  name: 'cookie', instants: ['expires', 'originalExpires'], durations: ['originalMaxAge', 'maxAge'],
}];

const isObject = (value) => typeof value === 'object' && value !== null;

/** The milliseconds that a session has left by its cookie; undefined where that ends with the browser. */
function msLeft({ expires, maxAge, originalMaxAge }) {
  if (expires) {
    const ms = new Date(expires).getTime() - Date.now();
    if (!Number.isNaN(ms)) return ms;
  }
  return [maxAge, originalMaxAge].find((ms) => typeof ms === 'number' && !Number.isNaN(ms));
}

/** The last instant that fits in a cookie. */
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

const DAY = 24 * 60 * 60 * 1000;

/** A date in epoch milliseconds. It may be given as such. Not a number if there is no such date. */
const instant = (date) => (['string', 'number'].includes(typeof date) ? new Date(date).getTime() : NaN);

/** Whether a date so many milliseconds from now is one that JavaScript knows. */
const isAge = (ms) => typeof ms === 'number' && !Number.isNaN(instant(ms));

/**
 * Which values the attributes of a cookie may have. The frameworks trust what a store gives them: with an item that
 * somebody crafted they fail while they answer, and some of these failures end the process.
 */
const ATTRIBUTES = {
  originalMaxAge: isAge,
  maxAge: isAge,
  expires: (date) => !Number.isNaN(instant(date)),
  path: (path) => /^[ -:=-~]*$/.test(path),
  domain: (domain) => /^\.?(?!-)[a-z\d-]{1,63}(?<!-)(\.(?!-)[a-z\d-]{1,63}(?<!-))*$/i.test(domain),
  sameSite: (value) => typeof value === 'boolean' || /^(strict|lax|none)$/i.test(value),
  priority: (value) => /^(low|medium|high)$/i.test(value),
};

/** What the frameworks' cookie objects need for themselves. express-session would overwrite it by a stored field. */
const RESERVED = ['toJSON', 'serialize', '_expires', '__proto__'];

/** Whether a session has a cookie that the frameworks can work with. */
function hasCookie({ cookie }) {
  if (!isObject(cookie) || Object.getPrototypeOf(cookie) !== Object.prototype) return false;
  if (RESERVED.some((name) => Object.hasOwn(cookie, name))) return false;
  return Object.entries(ATTRIBUTES).every(([name, isValid]) => {
    const value = cookie[name];
    // An empty text or null counts as absent.
    return !value || (typeof value !== 'object' && isValid(value));
  });
}

/** Has a cookie that ends later end in the year 9999: the frameworks fail at later dates. */
function limit(cookie) {
  /* eslint no-param-reassign: ["error", { "props": false }] -- a session that was just read is changed in place */
  if (instant(cookie.expires) > LATEST) cookie.expires = new Date(LATEST).toISOString();
  // A request may count from the time of its answer.
  const longest = LATEST - Date.now() - DAY;
  ['originalMaxAge', 'maxAge'].filter((name) => cookie[name] > longest).forEach((name) => { cookie[name] = longest; });
}

module.exports = {
  COOKIE, hasCookie, isObject, limit, msLeft,
};
