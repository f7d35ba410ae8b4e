'use strict';

const { randomUUID } = require('node:crypto');

// A name nobody else uses: for tables, ids and words to look for.
const unique = (word) => `${word}-${randomUUID()}`;

// The store's options as the README shows them for local use.
const local = (endpoint, name, { table = {}, dynamoConfig = {}, ...more } = {}) => ({
  table: { name, ...table },
  dynamoConfig: {
    region: 'local', endpoint, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey', ...dynamoConfig,
  },
  ...more,
});

module.exports = { local, unique };
