'use strict';

// What stays in the place of a deleted session, until no request can land any more that was sent before.

const assert = require('node:assert/strict');

const LIFE_SECS = 25 * 60;
const OWN = ['created', 'expires', 'gone', 'rev', 'session'];

/** Whether an item is a tombstone. */
const isTombstone = (item) => item?.gone !== undefined;

/** Asserts that a session was deleted: its item is a tombstone, and has nothing of the session in it. */
function assertDeleted(item) {
  assert.ok(isTombstone(item), `no tombstone: ${JSON.stringify(item)}`);
  const {
    gone, expires, session,
  } = item;
  assert.equal(Buffer.from(gone.B, 'base64').length, 8);
  const secs = Number(expires.N) - Date.now() / 1000;
  assert.ok(secs > LIFE_SECS - 120 && secs < LIFE_SECS + 2, `it stays for ${secs} s`);
  // Version 1 takes an item without this attribute for a session of all its attributes.
  if (session) assert.deepEqual(session, { M: { _expire: { N: '1' } } });
  const others = Object.keys(item).filter((name) => !OWN.includes(name));
  assert.equal(others.length, 1, `the key alone: ${others}`);
}

/** Asserts that an item is no session: there is none, or it is a tombstone. */
function assertNoSession(item) {
  if (item !== undefined) assertDeleted(item);
}

module.exports = { assertDeleted, assertNoSession, isTombstone };
