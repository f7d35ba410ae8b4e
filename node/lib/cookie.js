'use strict';

/** The cookie in the sessions of Express and Fastify. */

/** The cookie is written together with the expiry, and its dates say when the session ends. */
const COOKIE = [{ name: 'cookie', instants: ['expires', 'originalExpires'] }];

const isObject = (value) => typeof value === 'object' && value !== null;

/** The milliseconds that a session has left by its cookie; undefined where that ends with the browser. */
function msLeft({ expires, maxAge, originalMaxAge }) {
  if (expires) {
    const ms = new Date(expires).getTime() - Date.now();
    if (!Number.isNaN(ms)) return ms;
  }
  return [maxAge, originalMaxAge].find((ms) => typeof ms === 'number' && !Number.isNaN(ms));
}

const isAge = (ms) => typeof ms === 'number' && Math.abs(ms) < 1e14;

/**
 * Which values the attributes of a cookie may have. The frameworks trust what a store gives them: with an item that
 * somebody crafted they fail while they answer, and some of these failures end the process.
 */
const ATTRIBUTES = {
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
  return Object.entries(ATTRIBUTES).every(([name, isValid]) => {
    const value = cookie[name];
    // An empty text or null counts as absent.
    return !value || (typeof value !== 'object' && isValid(value));
  });
}

module.exports = {
  COOKIE, hasCookie, isObject, msLeft,
};
