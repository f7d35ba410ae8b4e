'use strict';

// What the tests that play the traces of ../fixtures have in common.

const assert = require('node:assert/strict');

// A session as the attribute it is stored as, as far as these sessions go.
const attribute = (value) => {
  if (value === null) return { NULL: true };
  switch (typeof value) {
    case 'string': return { S: value };
    case 'number': return { N: String(value) };
    case 'boolean': return { BOOL: value };
    default: return { M: Object.fromEntries(Object.entries(value).map(([name, item]) => [name, attribute(item)])) };
  }
};

// A cookie as the fixtures have it. express-session's loses a millisecond of its `originalMaxAge` now and then, when
// the clock ticks between two lines.
const cookieInWords = ({ originalMaxAge, ...cookie }) => {
  const dates = ['expires', 'originalExpires'].filter((name) => cookie[name]);
  return {
    ...cookie,
    originalMaxAge: originalMaxAge && Math.ceil(originalMaxAge / 1000) * 1000,
    ...Object.fromEntries(dates.map((name) => [name, '<date>'])),
  };
};

// A call as the fixtures have it: `KEY` for the id the visitor came with, `NEW` for one made up meanwhile.
const inWords = ([call, id, ...args], key) => [call, id === key ? 'KEY' : 'NEW', ...args.map((arg) => (
  arg?.cookie ? { ...arg, cookie: cookieInWords(arg.cookie) } : arg))];

// An item that was written between two moments lives so long.
const assertLives = (item, from, to, ms) => {
  const expires = Number(item.expires.N);
  assert.ok(expires >= Math.ceil((from + ms) / 1000), `expires ${expires} is too early`);
  assert.ok(expires <= Math.ceil((to + ms) / 1000), `expires ${expires} is too late`);
};

// The expiry of an item that ends before anything that is written now.
const soon = () => ({ expires: { N: String(Math.ceil(Date.now() / 1000) + 30) } });

module.exports = {
  assertLives, attribute, inWords, soon,
};
