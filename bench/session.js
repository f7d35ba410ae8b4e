'use strict';

// The session that every subject reads and writes, in several sizes. Half of the variable part is structure, half is
// text. The Rust subjects have it as a type, in rust/subject/src/session.rs.

const ID = '0123456789abcdef0123456789abcdef';
const MAX_AGE_MS = 10 * 365 * 24 * 60 * 60 * 1000; // years, because a stored session is read during the whole run

const KB = 1024;
const SIZES = [205, KB, 10 * KB, 100 * KB]; // bytes of JSON

function session(size) {
  const value = {
    user: { id: 'u-3f6c1e2b', name: 'Ada', roles: ['admin'] },
    views: 42,
    theme: 'dark',
    remember: true,
    referrer: null,
    cart: Array.from({ length: Math.floor(size / 128) - 1 }, (_, n) => ({
      sku: `sku-${1000 + n}`, quantity: n + 1, price: (995 + 100 * n) / 100, gift: n % 2 === 0,
    })),
    note: '',
    _expire: 4102444800000, // 2100-01-01
    _maxAge: 86400000,
  };
  value.note = 'x'.repeat(Math.max(0, size - JSON.stringify(value).length));
  return value;
}

module.exports = {
  ID, KB, MAX_AGE_MS, SIZES, session,
};
