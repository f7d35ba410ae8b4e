'use strict';

// The envelopes that the core's tests open as well, opened by the implementation of test/support/envelope.js.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const vectors = require('../../../crates/dynamodb-session/tests/fixtures/envelopes.json');
const open = require('../support/envelope');

const bytes = (base64) => Buffer.from(base64 ?? '', 'base64');
const keysOf = ({ keyId, key }) => (keyId ? { [keyId]: bytes(key) } : {});
const placeOf = (vector) => ({ ...vector, rev: vector.rev === undefined ? undefined : bytes(vector.rev) });

describe('each envelope is opened', () => {
  vectors.forEach((vector) => it(vector.name, () => {
    const opened = open(bytes(vector.envelope), keysOf(vector), placeOf(vector));
    assert.equal(opened.toString(), vector.plaintext);
  }));
});

describe('an encrypted envelope is refused', () => {
  const encrypted = vectors.filter(({ keyId }) => keyId);
  it('there are some of all parts', () => {
    const has = (part) => encrypted.some((vector) => vector[part]);
    assert.ok(['rev', 'expires', 'reference'].every(has) && encrypted.some(({ storedKey }) => storedKey.endsWith('u1.key')));
  });

  encrypted.forEach((vector) => it(vector.name, () => {
    const envelope = bytes(vector.envelope);
    const refused = (changes, changed = envelope) => assert.throws(() => {
      const other = { ...vector, ...changes };
      open(changed, keysOf(other), placeOf(other));
    });
    envelope.forEach((byte, at) => {
      const changed = Buffer.from(envelope);
      // eslint-disable-next-line no-bitwise
      changed[at] ^= 1;
      refused({}, changed);
      refused({}, envelope.subarray(0, at));
    });
    refused({ context: `${vector.context} ` });
    refused({ storedKey: `${vector.storedKey}x` });
    // What moves from the end of the context to the start of the key is another place.
    refused({ context: `${vector.context}g`, storedKey: vector.storedKey.slice(1) });
    refused({ created: vector.created + 1 });
    refused({ key: Buffer.alloc(32).toString('base64') });
    refused({ keyId: 'k2' });
    if (vector.expires) {
      refused({ expires: vector.expires + 1 });
      refused({ expires: undefined, rev: '' });
    } else if (vector.reference) {
      refused({ reference: `${vector.reference}0` });
      refused({ reference: undefined });
    } else {
      refused({ rev: Buffer.alloc(16).toString('base64') });
      refused({ rev: null });
      refused({ reference: '' });
      refused({ expires: 1800000060 });
    }
  }));
});
