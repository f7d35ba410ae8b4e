'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { local } = require('../support/options');
const { warningsOf } = require('../support/warnings');

it('a prefix that does not end in a separator is warned of once', async () => {
  const make = (prefix) => new DynamoDBStore(local('http://127.0.0.1:1', 'sessions', { prefix }));
  const warnings = await warningsOf(async () => {
    for (const prefix of ['shop', 'shop', 'shop:', 'shop-', 'shop_', 'läden/', '', undefined, 'лавка', 'shop2']) make(prefix);
  });
  assert.deepEqual(warnings.map((warning) => /the prefix "(.*?)" does not end in a separator/.exec(warning)[1]), ['shop', 'лавка', 'shop2']);
});
