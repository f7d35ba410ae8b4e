'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { CODES, toError } = require('../../lib/errors');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const declared = require('./declared');
const { sorted } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/errors.md');

describe('errors', () => {
  it('have the codes it says', () => {
    assert.deepEqual(sorted(page.column('Errors', 'code')), sorted(Object.values(CODES)));
  });

  it('have the properties it says', () => {
    const error = toError({
      kind: 'ItemTooLarge', message: 'm', code: 'ValidationException', status: 400, requestId: 'r', retryable: true, operation: 'o', attempts: 1, table: 't', endpoint: 'e', remedy: 'CreateTable', causes: ['x'],
    });
    assert.deepEqual(sorted(page.column('Errors', 'property')), sorted([...Object.keys(error), 'cause']));
    declared('common', 'interface', 'StoreError').forEach((name) => {
      assert.ok(page.column('Errors', 'property').includes(name), name);
    });
  });

  it('get fails as it says', async () => {
    const store = new DynamoDBStore(local(engine.endpoint, unique('missing')));
    const error = await store.get('x').catch((err) => err);
    assert.ok(page.text().includes(`\`${error.message}\``));
    assert.equal(error.code, 'ResourceNotFoundException');
    assert.equal(error.cause.code, error.code);
  });
});

page.complete();
