'use strict';

// What the option `encryption` accepts. An error names the option and what to do, and never shows a key.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const KoaStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');

const bytes = crypto.randomBytes(32);
const key = bytes.toString('base64');
const SECRET = 'correct horse battery staple';

const store = (encryption, Store = KoaStore) => new Store({ dynamoConfig: { region: 'local' }, encryption });

const REFUSED = {
  'no object': ['on', /^encryption must be an object/],
  'no keys': [{}, /^encryption\.keys must be given/],
  'an object as keys': [{ keys: { id: 'k1', key } }, /^encryption\.keys must be an array/],
  'an empty list': [{ keys: [] }, /^encryption: there must be at least one key/],
  'a key without its id': [{ keys: [{ key }] }, /must have an id/],
  'a key without its bytes': [{ keys: [{ id: 'k1' }] }, /must have a key: 32 bytes/],
  'a long id': [{ keys: [{ id: 'k1234', key }] }, /id of a key must be 1 to 4/],
  'a passphrase': [{ keys: [{ id: 'k1', key: SECRET }] }, /key k1 is not 32 bytes in base64.*keys generate/],
  'a short key': [{ keys: [{ id: 'k1', key: Buffer.from(SECRET).subarray(0, 16) }] }, /key k1 has 16 bytes; it must have 32/],
  'a long key': [{ keys: [{ id: 'k1', key: Buffer.alloc(33) }] }, /key k1 has 33 bytes; it must have 32/],
  'two keys of one id': [{ keys: [{ id: 'k1', key }, { id: 'k1', key: bytes }] }, /two keys have the id k1/],
  'an unknown mode': [{ keys: [{ id: 'k1', key }], mode: 'off' }, /^encryption\.mode must be one of read, on, only/],
  'a context that is no text': [{ keys: [{ id: 'k1', key }], context: 5 }, /^encryption\.context must be a string/],
  'too much padding': [{ keys: [{ id: 'k1', key }], pad: 65537 }, /^encryption\.pad must be/],
};

describe('the option encryption', () => {
  Object.entries(REFUSED).forEach(([name, [given, message]]) => {
    it(`is refused with ${name}`, () => {
      [KoaStore, ExpressStore].forEach((Store) => {
        assert.throws(() => store(given, Store), (error) => {
          assert.ok(error instanceof TypeError || error instanceof RangeError, error.stack);
          assert.match(error.message, message);
          [key, SECRET].forEach((secret) => assert.ok(!error.stack.includes(secret)));
          return true;
        });
      });
    });
  });

  it('takes a key as bytes and as base64 of any kind', () => {
    [bytes, new Uint8Array(bytes), key, bytes.toString('base64url')].forEach((form) => {
      assert.ok(store({
        keys: [{ id: 'k1', key: form }], mode: 'read', context: '', pad: 0,
      }));
    });
    assert.ok(store({ keys: () => [] }), 'a function is called when a key is needed');
  });
});
