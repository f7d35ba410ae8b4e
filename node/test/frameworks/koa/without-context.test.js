'use strict';

// A caller that does not say which request it is: the one warning says what is missing, and blames no single package.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { warningsOf } = require('../../support/warnings');

// Nothing listens on port 9 of this machine.
const dynamoConfig = {
  region: 'local', endpoint: 'http://127.0.0.1:9', accessKeyId: 'a', secretAccessKey: 'b', maxRetries: 0,
};

it('a write without the context warns once, with what koa-session and koa-generic-session do', async () => {
  const store = new DynamoDBStore({ dynamoConfig });
  const warnings = await warningsOf(async () => {
    await assert.rejects(store.set('a', {}, 1000, { ctx: {} }));
    await assert.rejects(store.set('a', {}, 1000));
    await assert.rejects(store.set('a', {}, 1000, { changed: true, rolling: false }));
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /without `\{ ctx \}`.*koa-session passes it from 6\.1 on, koa-generic-session does not\.$/);
});
