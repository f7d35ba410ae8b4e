'use strict';

const assert = require('node:assert/strict');
const { before, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { read, sorted } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const recorder = useRecorder(engine);
before(() => recorder.started);
const page = checksOf('docs/table-and-iam.md');

page.snippet('iam', async (t, { text }) => {
  const { Version, Statement } = JSON.parse(text);
  assert.equal(Version, '2012-10-17');
  const allowed = Object.fromEntries(Statement.map(({ Sid, Action }) => [Sid, Action]));
  const used = () => sorted(recorder.operations().map((operation) => `dynamodb:${operation}`));
  const name = unique('iam');
  const options = (table) => local(recorder.endpoint, name, { table: { autoCreate: true, ...table } });
  const make = (table) => new DynamoDBStore(options(table));

  recorder.reset();
  const store = make({});
  await store.ready;
  await make({ readCapacityUnits: 7 }).ready;
  await make({ useTtlExpired: false }).ready;
  await store.isTableCreated();
  assert.deepEqual(sorted(allowed.TableAtStart), used());

  recorder.reset();
  const ctx = {};
  await store.set('id', { a: 1 }, 60000, { ctx });
  await store.get('id', 60000, { ctx });
  await store.set('id', { a: 2 }, 60000, { ctx });
  await store.destroy('id', { ctx });
  assert.deepEqual(sorted(allowed.Sessions), used());
});

page.snippet('iam-kms', (t, { text }) => {
  const { Action, Condition } = JSON.parse(text);
  const source = read('crates/dynamodb-session/src/request/operation.rs');
  const [, variants] = /^ {4}Kms, .*? \{\n(.*?)\n {4}\}/ms.exec(source);
  const operations = [...variants.matchAll(/^ {8}(\w+),$/gm)].map(([, name]) => `kms:${name}`);
  assert.deepEqual(sorted(Action), sorted(operations));
  const [, name] = /const CONTEXT: &str = "(.*?)";/.exec(read('crates/dynamodb-session/src/protocol/data_keys.rs'));
  assert.deepEqual(Object.keys(Condition.StringEquals), [`kms:EncryptionContext:${name}`]);
});

it('the table holds items as it says', async () => {
  const name = unique('item');
  const store = new DynamoDBStore(local(engine.endpoint, name, { users: { of: ({ user }) => user } }));
  await store.createTableIfDontExists();
  await store.set('x', { user: 'ada' }, 60000);
  const item = await rawTable(engine.endpoint, name).get('x');
  const types = Object.entries(item).map(([attribute, value]) => [`\`${attribute}\``, Object.keys(value)[0]]);
  assert.deepEqual(page.rows('The table', 'attribute').map(([attribute, type]) => [attribute, type]).sort(), types.sort());
});

it('every operation of the core on DynamoDB is an action of the IAM table', () => {
  const source = read('crates/dynamodb-session/src/request/operation.rs');
  const [, variants] = /^ {4}DynamoDb, .*? \{\n(.*?)\n {4}\}/ms.exec(source);
  const operations = [...variants.matchAll(/^ {8}(\w+),$/gm)].map(([, name]) => name);
  assert.deepEqual(sorted(page.column('IAM policy', 'action')), sorted(operations));
});

page.complete();
