'use strict';

// A table whose key is another one than the option says, in a store that does not look at the table.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { raw } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const engine = useEngine();
const recorder = useRecorder(engine);

const hash = (name, type = 'S') => [{ AttributeName: name, KeyType: 'HASH', type }];
const KEYS = {
  'another name': hash('session_id'),
  'a sort key': [...hash('sessionId'), { AttributeName: 'part', KeyType: 'RANGE', type: 'S' }],
  'another name and a sort key': [...hash('user'), { AttributeName: 'part', KeyType: 'RANGE', type: 'S' }],
  'a number': hash('sessionId', 'N'),
};

const create = async (key) => {
  const name = unique('key');
  await raw(engine.endpoint, 'CreateTable', {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: key.map(({ AttributeName, KeyType }) => ({ AttributeName, KeyType })),
    AttributeDefinitions: key.map(({ AttributeName, type }) => ({ AttributeName, AttributeType: type })),
  });
  recorder.reset();
  return local(recorder.endpoint, name);
};

const refusal = (more = {}) => (error) => {
  const expected = {
    code: 'ConfigError', serviceCode: 'ValidationException', status: 500, ...more,
  };
  Object.entries(expected).forEach(([name, value]) => assert.equal(error[name], value));
  assert.match(error.hint, /^set table\.hashKey to the partition key of the table.*sort key/);
  const reason = error.cause?.code === 'ConfigError' ? error.cause.message : error.message;
  assert.match(reason, /^table\.hashKey: the table cannot hold sessions: .*sort key/);
  return true;
};

Object.entries(KEYS).forEach(([what, key]) => describe(`a table whose key is ${what}`, () => {
  it('is named by each call of the Koa store, after one request', async () => {
    const store = new DynamoDBStore(await create(key));
    await assert.rejects(store.get('a'), refusal({ message: 'Unable to get session.', operation: 'GetItem' }));
    await assert.rejects(store.set('a', { a: 1 }, HOUR), refusal({ operation: 'PutItem' }));
    await assert.rejects(store.destroy('a'), refusal({ operation: 'GetItem' }));
    assert.deepEqual(recorder.operations(), ['GetItem', 'PutItem', 'GetItem']);
  });

  it('is named by each call of the Express store, after one request', async () => {
    const store = new ExpressStore(await create(key));
    const session = { cookie: { originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR), path: '/' } };
    await assert.rejects(store.get('a'), refusal({ operation: 'GetItem' }));
    await assert.rejects(store.set('a', session), refusal({ operation: 'PutItem' }));
    await assert.rejects(store.touch('a', session), refusal({ operation: 'GetItem' }));
    await assert.rejects(store.destroy('a'), refusal({ operation: 'GetItem' }));
    assert.deepEqual(recorder.operations(), ['GetItem', 'PutItem', 'GetItem', 'GetItem']);
  });

  it('fails the visitor of a Koa app with an error that says so', async (t) => {
    const store = new DynamoDBStore(await create(key));
    const app = await serveFor(t, VERSIONS[0], { store }, (ctx) => { ctx.session.a = 1; });
    assert.equal((await new Visitor(app.url).get()).status, 500);
    assert.match(app.errors[0].message, /^table\.hashKey/);
    assert.equal(app.errors[0].code, 'ConfigError');
  });
}));
