'use strict';

const assert = require('node:assert/strict');
const vm = require('node:vm');
const { before, it } = require('node:test');
const { DynamoDBClient, QueryCommand } = require('@aws-sdk/client-dynamodb');
const ExpressStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const { startEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const use = require('../support/use');
const checksOf = require('./page');

// An engine of its own: the snippets use the table of the default name.
const engine = use(() => startEngine());
before(() => engine.started);
const page = checksOf('docs/attributes.md');

const HOUR = 3600000;
const credentials = { accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' };

const newClient = () => new DynamoDBClient({
  endpoint: engine.endpoint, region: 'local', credentials: { ...credentials },
});

/** The store that a snippet makes, on the engine of the tests. */
function storeOf(text, Store) {
  class DynamoDBStore extends Store {
    constructor(options) {
      super({ ...options, dynamoConfig: { region: 'local', endpoint: engine.endpoint, ...credentials } });
    }
  }
  return vm.runInThisContext(`(DynamoDBStore) => { ${text}; return store; }`)(DynamoDBStore);
}

const cookie = () => ({ originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR).toISOString() });

// The query finds what the store of the snippet before it has stored.
page.snippet('store', async (t, { text }) => {
  for (const [name, Store] of Object.entries({ koa: KoaStore, express: ExpressStore })) {
    const store = storeOf(text, Store);
    await store.ready;
    const session = { user: { id: 'ada' }, cookie: cookie() };
    await (Store === KoaStore ? store.set(name, session, HOUR, { ctx: {} }) : store.set(name, session));
  }
});

page.snippet('query', async (t, { text }) => {
  const client = newClient();
  const query = vm.runInThisContext(`async (client, QueryCommand) => { ${text}; return Items; }`);
  const items = await query(client, QueryCommand);
  assert.deepEqual(items.map(({ sessionId }) => sessionId.S).sort(), ['express', 'koa']);
});

page.snippet('ttl', async (t, { text }) => {
  const store = storeOf(text, ExpressStore);
  await store.createTableIfDontExists();
  const [admin, other] = [{ isAdmin: true }, {}];
  for (const [user, minutes] of [[admin, 15], [other, 60]]) {
    await store.set('id', { user, cookie: cookie() });
    const { expires } = await itemOf('id');
    const left = Number(expires.N) * 1000 - Date.now();
    assert.ok(Math.abs(left - minutes * 60000) < 5000, `${left}`);
  }
});

async function itemOf(id) {
  const { Items } = await newClient().send(new QueryCommand({
    TableName: 'sessions', KeyConditionExpression: 'sessionId = :id', ExpressionAttributeValues: { ':id': { S: id } },
  }));
  return Items[0];
}

it('a function may return what the table says', async () => {
  const RETURNED = { 'a string that is not empty': 'ada', 'a finite number': 1.5, '`undefined`': undefined };
  const rows = page.rows('What a function may return', 'value');
  assert.deepEqual(rows.map(([value]) => value), Object.keys(RETURNED));
  for (const [name, , type = /type (\w)/.exec(rows.find(([cell]) => cell === name)[1])?.[1]] of Object.entries(RETURNED)) {
    const store = storeOf('const store = new DynamoDBStore({ attributes: { x: (session) => session.x } })', KoaStore);
    await store.set('returned', { x: RETURNED[name] }, HOUR);
    const { x } = await itemOf('returned');
    assert.deepEqual(x && Object.keys(x)[0], type, name);
  }
});

it('the names that are refused are refused', () => {
  const [, list] = /refused when the store is made: (.*?), the partition key/s.exec(page.text());
  const names = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  assert.equal(names.length, 8);
  names.forEach((name) => assert.throws(() => storeOf(`const store = new DynamoDBStore({ attributes: { ${name}: () => 'x' } })`, KoaStore), {
    name: 'RangeError',
  }));
});

it('each framework has a row; ../attributes/ttl.test.js tests what it says', () => {
  const names = new Set(frameworks.map(({ name }) => name.replace(/ \d$/, '')));
  assert.deepEqual(page.column('How long a session is kept', 'framework').sort(), [...names].sort());
});

page.complete();
