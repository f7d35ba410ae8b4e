'use strict';

const { randomUUID } = require('node:crypto');

// A unique name: for tables, ids and words to look for.
const unique = (word) => `${word}-${randomUUID()}`;

// The store's options as docs/koa.md shows them for local use.
const local = (endpoint, name, { table = {}, dynamoConfig = {}, ...more } = {}) => ({
  table: { name, ...table },
  dynamoConfig: {
    region: 'local', endpoint, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey', ...dynamoConfig,
  },
  ...more,
});

// The same, unlike those of any other store: stores of equal options share what they have counted and learned. The
// deadline of a request, which is what differs, is far away.
let deadline = 60000;
const localAlone = (endpoint, name, more = {}) => {
  deadline += 1;
  return local(endpoint, name, { ...more, dynamoConfig: { ...more.dynamoConfig, httpOptions: { timeout: deadline } } });
};

module.exports = { local, localAlone, unique };
