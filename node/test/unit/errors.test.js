'use strict';

// Errors as users see them.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');
const {
  CODES, REMEDIES, invalidId, toError, withMessage,
} = require('../../lib/errors');

const FAILURE = {
  kind: 'TableNotFound',
  code: 'ResourceNotFoundException',
  message: 'Requested resource not found',
  remedy: 'CreateTable',
  operation: 'GetItem',
  table: 'sessions',
  endpoint: 'http://localhost:8000',
  requestId: 'RID',
  status: 400,
  attempts: 1,
  retryable: false,
  causes: [],
};

describe('an error of the service', () => {
  it('has the properties it had with the AWS SDK v2, and more', () => {
    const error = toError(FAILURE);
    assert.ok(error instanceof Error);
    const { time, ...properties } = error;
    assert.ok(time instanceof Date);
    assert.deepEqual(properties, {
      code: 'ResourceNotFoundException',
      status: 500,
      statusCode: 400,
      requestId: 'RID',
      retryable: false,
      operation: 'GetItem',
      attempts: 1,
      table: 'sessions',
      endpoint: 'http://localhost:8000',
      hint: REMEDIES.CreateTable,
    });
    assert.equal(error.name, error.code);
    assert.equal(error.message, 'Requested resource not found');
    assert.match(error.stack, /Requested resource not found/);
  });

  it('is wrapped by get under the legacy message, with everything it says', () => {
    const cause = toError(FAILURE);
    const error = withMessage('Unable to get session.', cause);
    assert.equal(error.message, 'Unable to get session.');
    assert.equal(error.cause, cause);
    assert.deepEqual({ ...error }, { ...cause });
    assert.equal(toError(error), error, 'and not once more');
  });
});

describe('an error of the package', () => {
  it('has a code of its own, by its kind', () => {
    for (const [kind, code] of Object.entries(CODES)) {
      assert.equal(toError({ kind, message: 'x', retryable: false }).code, code);
      assert.doesNotMatch(code, /^E[A-Z]+$/, 'not a system error\'s: ENOENT means no session to Express');
    }
    assert.equal(toError({ kind: 'Unheard', message: 'x' }).code, 'ServiceError');
    assert.equal(invalidId().code, 'InvalidIdError');
  });

  it('has the same code when the service finds it out, and keeps the service\'s name', () => {
    const error = toError({ ...FAILURE, kind: 'ItemTooLarge', code: 'ValidationException' });
    assert.equal(error.code, 'ItemTooLargeError');
    assert.equal(error.serviceCode, 'ValidationException');
  });

  it('is named by what it is where the service gave no name', () => {
    const bare = (kind, status) => toError({
      ...FAILURE, kind, status, code: `Http${status}`, retryable: status >= 500,
    });
    for (const [kind, status, code] of [
      ['Service', 404, 'ServiceError'], ['Service', 503, 'ServiceError'], ['Throttled', 429, 'ThrottlingException'],
      ['ItemTooLarge', 413, 'ItemTooLargeError'], ['Decode', 200, 'UnreadableAnswerError'],
    ]) {
      const error = bare(kind, status);
      assert.deepEqual([error.code, error.statusCode, error.serviceCode], [code, status, undefined]);
    }
  });

  it('keeps foreign errors on cause', () => {
    const { cause } = toError({
      ...FAILURE, code: undefined, kind: 'Transport', causes: ['connect', 'refused'],
    });
    assert.equal(cause.message, 'connect');
    assert.equal(cause.cause.message, 'refused');
    const own = Object.assign(new Error('no such file'), { code: 'ENOENT' });
    assert.equal(toError({ ...FAILURE, kind: 'Credentials', code: undefined }, own).cause, own);
    assert.equal(toError({ ...FAILURE, kind: 'Credentials', code: undefined }, own).code, 'CredentialsError');
  });

  it('that is not expected is an InternalError', () => {
    const cause = new TypeError('x');
    const error = toError(cause);
    assert.equal(error.code, 'InternalError');
    assert.equal(error.cause, cause);
    assert.match(inspect(error), /InternalError/);
    assert.equal(toError(undefined).code, 'InternalError');
  });
});

describe('what the core leaves to be worded here', () => {
  it('has a text for each remedy', () => {
    const core = path.join(__dirname, '../../../crates/dynamodb-session/src/remedy.rs');
    const names = [...readFileSync(core, 'utf8').matchAll(/^ {4}(\w+) => "/gm)].map(([, name]) => name);
    assert.ok(names.length > 10);
    assert.deepEqual(Object.keys(REMEDIES), names);
  });

  it('names the option, or the environment variable', () => {
    const messageOf = (setting) => toError({
      kind: 'Config', message: 'wrong', setting, retryable: false,
    }).message;
    assert.equal(messageOf('table_name'), 'table.name: wrong');
    assert.equal(messageOf('endpoint_url'), 'dynamoConfig.endpoint: wrong');
    assert.equal(messageOf('proxy'), 'dynamoConfig.httpOptions.proxy: wrong');
    assert.equal(messageOf('tls_roots'), 'dynamoConfig.httpOptions.agent: ca: wrong');
    assert.equal(messageOf('AWS_CA_BUNDLE'), 'AWS_CA_BUNDLE: wrong');
    assert.equal(messageOf(undefined), 'wrong');
  });
});
