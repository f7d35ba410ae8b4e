'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { countsViews, environment } = require('./app');
const { codeIn } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/fastify.md');

page.snippet('fastify', (t, { text }) => countsViews(t, text, { env: environment(engine) }));

it('a loaded session has one key more, which JSON leaves out and the table never holds', async () => {
  const key = codeIn(page.text()).find((code) => code.endsWith(':loaded'));
  const name = unique('fastify');
  const store = new DynamoDBStore(local(engine.endpoint, name));
  await store.createTableIfDontExists();
  await store.set('x', { cookie: {}, a: 1 });
  const loaded = await new Promise((resolve, reject) => {
    store.get('x', (error, session) => (error ? reject(error) : resolve(session)));
  });
  assert.equal(typeof loaded[key], 'function');
  assert.ok(!JSON.stringify(loaded).includes(key));
  await store.set('x', { ...loaded, a: 2 });
  assert.deepEqual(Object.keys((await rawTable(engine.endpoint, name).get('x')).session.M).sort(), ['a', 'cookie']);
});

page.complete();
