'use strict';

// The session every measurement reads and writes: 1 KB of JSON of the kinds an application keeps.

const EXPIRES = 4102444800; // epoch seconds: 2100-01-01

const session = {
  user: {
    id: 'u-3f6c1e2b', name: 'Ada Lovelace', email: 'ada@example.org', roles: ['admin', 'editor'],
  },
  csrf: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
  views: 42,
  theme: 'dark',
  remember: true,
  referrer: null,
  cart: Array.from({ length: 8 }, (_, n) => ({
    sku: `sku-${1000 + n}`, quantity: n + 1, price: 9.95 + n, gift: n % 2 === 0,
  })),
  note: 'x'.repeat(284),
  _expire: EXPIRES * 1000,
  _maxAge: 86400000,
};

module.exports = { session, EXPIRES };
