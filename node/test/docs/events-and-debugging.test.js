'use strict';

const assert = require('node:assert/strict');
const { before, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const declared = require('./declared');
const { codeIn, sorted } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
before(() => engine.started);
const page = checksOf('docs/events-and-debugging.md');
const turn = () => new Promise((resolve) => { setImmediate(resolve); });

// In an app of its own: a listener that is called, and counts that are printed.
page.snippet('events', async (t, { text }) => {
  const store = new DynamoDBStore(local(engine.endpoint, unique('events')));
  await store.createTableIfDontExists();
  const lines = [];
  const console = { log: (line) => lines.push(line) };
  const every = (print) => {
    print();
    return { unref() {} };
  };
  Function('store', 'console', 'setInterval', text)(store, console, every); // eslint-disable-line no-new-func
  const [ctx, other] = [{}, {}];
  await store.set('x', { a: 1 }, 60000, { ctx });
  await store.destroy('x', { ctx: other });
  await store.set('x', { a: 2 }, 60000, { ctx });
  while (lines.length < 2) await turn();
  assert.match(lines[1], /^a request came too late for session [0-9a-f]{24}$/);
  const properties = page.column('Events and statistics', 'property');
  assert.deepEqual(sorted(Object.keys(lines[0])), sorted(properties));
  assert.deepEqual(sorted(declared('common', 'interface', 'Stats')), sorted(properties));
  const [, , details] = page.rows('Events and statistics', 'property').map(([, cell]) => cell);
  assert.ok(details);
  const ofOperation = codeIn(page.rows('Events and statistics', 'property')[0][1]).slice(2);
  assert.deepEqual(sorted(ofOperation), sorted(Object.keys(store.stats().operations.PutItem)));
});

it('the events are those that the types declare, with their details', () => {
  const rows = page.rows('Events and statistics', 'event');
  const events = declared('common', 'interface', 'Events');
  assert.deepEqual(sorted(page.column('Events and statistics', 'event')), sorted(events));
  const { conflict } = Object.fromEntries(rows.map(([name, , details]) => [name.replaceAll('`', ''), codeIn(details)]));
  assert.deepEqual(conflict, ['ref', 'operation']);
});

it('the line of a logger', async () => {
  const shown = codeIn(page.section('Debugging').replaceAll('\n', ' ')).find((code) => code.startsWith('[AWS'));
  const lines = [];
  const store = new DynamoDBStore(local(engine.endpoint, 'sessions', { dynamoConfig: { logger: { log: (line) => lines.push(line) } } }));
  await store.createTableIfDontExists();
  lines.length = 0;
  await store.get('x');
  while (lines.length === 0) await turn();
  const blurred = (line) => line.replace(/\d+\.\d+s/, '');
  assert.equal(blurred(lines[0]), blurred(shown));
});

page.complete();
