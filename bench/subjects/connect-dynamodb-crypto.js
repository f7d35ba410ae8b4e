'use strict';

// connect-dynamodb 3 as an application would encrypt with it: node:crypto around the JSON of the session, in the manner of
// connect-mongo's option `crypto`, but with a key that is derived once.

const crypto = require('node:crypto');
const { open } = require('./connect-dynamodb.js');

const key = crypto.hkdfSync('sha256', Buffer.alloc(32, 7), '', 'sessions', 32);

function encrypted(session) {
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
  const ct = cipher.update(JSON.stringify(session), 'utf8', 'base64') + cipher.final('base64');
  return { ct, iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64') };
}

function decrypted({ ct, iv, tag }) {
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'));
  decipher.setAuthTag(Buffer.from(tag, 'base64'));
  return JSON.parse(decipher.update(ct, 'base64', 'utf8') + decipher.final('utf8'));
}

exports.open = (place) => {
  const store = open(place);
  return {
    ...store,
    async get(id) {
      const stored = await store.get(id);
      return stored && decrypted(stored);
    },
    set: (id, session, maxAge, options) => store.set(id, encrypted(session), maxAge, options),
  };
};
