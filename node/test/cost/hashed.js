'use strict';

// What hashed ids cost: stores of each setting, and their prices.

const hashedKey = require('../support/hashed-key');

// A price with these units besides, and with other operations.
const dearer = ([, ...units], operations, { read = 0, write = 0 }) => [operations, ...units.map((price) => {
  const [reads, writes] = price.split(' + ').map(Number);
  return `${reads + read} + ${writes + write}`;
})];

// Whether the framework passes only the id of the session that ends.
const knowsIdOnly = ({ logout: [operations] }) => operations === 'GetItem GetItem PutItem';

// In `read` and `on`, a session can have either key: it is looked for under the other one before it is created, and
// both get a tombstone.
const inOn = (prices) => {
  const of = (view, operations, besides) => ({ [view]: dearer(prices[view], operations, besides) });
  return {
    ...prices,
    ...of('first visit that begins a session', 'GetItem PutItem', { read: 1 }),
    ...of('change of a session destroyed meanwhile', 'GetItem UpdateItem GetItem', { read: 1 }),
    ...of('logout', knowsIdOnly(prices) ? 'GetItem PutItem GetItem PutItem' : 'GetItem PutItem PutItem', { write: 1 }),
    ...of('logout without a session', 'PutItem GetItem PutItem', { write: 1 }),
  };
};

// A session that is stored under its id is looked for under the hash first.
const inOnFromBefore = (prices) => Object.fromEntries(Object.entries(inOn(prices)).map(([view, price]) => {
  const [operations] = price;
  if (/first visit|without a session/.test(view)) return [view, price];
  // The first tombstone is for a free key, and meets the session.
  if (view === 'logout' && knowsIdOnly(prices)) {
    return [view, ['GetItem GetItem PutItem PutItem GetItem PutItem', '3 + 3', '5 + 21']];
  }
  return [view, dearer(price, `GetItem ${operations}`, { read: 1 })];
}));

const hashing = (ours, prices) => ({
  "this package, hashIds: 'only'": { open: ours({ hashIds: 'only' }), prices, keyOf: hashedKey },
  "this package, hashIds: 'on'": { open: ours({ hashIds: 'on' }), prices: inOn(prices), keyOf: hashedKey },
  "this package, hashIds: 'on', sessions from before": {
    open: ours({ hashIds: 'on' }), openBefore: ours(), prices: inOnFromBefore(prices),
  },
  // The mirror image.
  "this package, hashIds: 'read'": { open: ours({ hashIds: 'read' }), prices: inOn(prices) },
  "this package, hashIds: 'read', hashed sessions": {
    open: ours({ hashIds: 'read' }), openBefore: ours({ hashIds: 'on' }), prices: inOnFromBefore(prices), keyOf: hashedKey,
  },
});

/** The columns of docs/cost.md, and the stores that they are about. */
const COLUMNS = {
  "`hashIds: 'on'`": "this package, hashIds: 'on'",
  "`hashIds: 'on'`, a session from before": "this package, hashIds: 'on', sessions from before",
};

module.exports = { COLUMNS, hashing };
