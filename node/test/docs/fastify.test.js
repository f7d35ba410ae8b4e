'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { countsViews, environment } = require('./app');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/fastify.md');

page.snippet('fastify', (t, { text }) => countsViews(t, text, { env: environment(engine) }));

it('the cookie of a loaded session has a symbol, which is no field and which the table never holds', async () => {
  const name = unique('fastify');
  const store = new DynamoDBStore(local(engine.endpoint, name));
  await store.createTableIfDontExists();
  await store.set('x', { cookie: {}, a: 1 });
  const loaded = await new Promise((resolve, reject) => {
    store.get('x', (error, session) => (error ? reject(error) : resolve(session)));
  });
  assert.deepEqual(Reflect.ownKeys(loaded).sort(), ['a', 'cookie']);
  assert.deepEqual(Reflect.ownKeys(loaded.cookie).map((key) => typeof key), ['symbol']);
  await store.set('x', { ...loaded, a: 2 });
  const { session } = await rawTable(engine.endpoint, name).get('x');
  assert.deepEqual(session.M, { a: { N: '2' }, cookie: { M: {} } });
});

page.complete();
