'use strict';

// Requests of one session, in parallel or alone, and what they wrote: for the tests of what a save writes.

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const assert = require('node:assert/strict');
const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const Gate = require('../support/gate');
const { serveFor } = require('../support/koa');
const { local, localAlone, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const EXPIRY = ['_expire', '_maxAge', '_session'];
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'parallel');

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));
const newLegacy = () => new Legacy(local(engine.endpoint, table.name));

// What the application keeps, without koa-session's own fields.
const dataOf = (item) => Object.fromEntries(Object.entries(item.session.M).filter(([name]) => !EXPIRY.includes(name)));

// The attributes that a request to change an item names.
const namesIn = ({ body }) => Object.values(body.ExpressionAttributeNames);

// Requests that have all loaded the session before the first of them goes on. They go on one after the other, in
// their order, so that the outcome is certain whatever the store does: `changes[i](session, ctx)`.
const inParallel = async (t, {
  version, store, id, changes, options = {},
}) => {
  const gates = changes.map(() => new Gate());
  const app = await serveFor(t, version, { store, ...options }, async (ctx) => {
    const index = Number(ctx.query.request);
    await gates[index].pass();
    await changes[index](ctx.session, ctx);
  });
  const answers = changes.map((_, index) => new Visitor(app.url, { 'koa.sess': id }).get(`/?request=${index}`));
  answers.forEach((answer) => answer.catch(() => {})); // what the first of them met is what counts
  await Promise.all(gates.map((gate) => gate.arrived()));
  for (const [index, gate] of gates.entries()) {
    gate.open();
    assert.equal((await answers[index]).status, 200);
  }
  assert.deepEqual(app.errors, []);
  return dataOf(await table.get(id));
};

// The same, all going on at once.
const atOnce = async (t, {
  version, store, id, changes, options = {},
}) => {
  const gate = new Gate();
  const app = await serveFor(t, version, { store, ...options }, async (ctx) => {
    await gate.pass();
    await changes[Number(ctx.query.request)](ctx.session, ctx);
  });
  const answers = changes.map((_, index) => new Visitor(app.url, { 'koa.sess': id }).get(`/?request=${index}`));
  await gate.arrived(changes.length);
  gate.open();
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.deepEqual(app.errors, []);
  return dataOf(await table.get(id));
};

// One request that does this with the session `id`; what it sent.
const oneRequest = async (t, {
  version, store, id, change, options = {},
}) => {
  const app = await serveFor(t, version, { store, ...options }, (ctx) => change(ctx.session, ctx));
  recorder.reset();
  const { status } = await new Visitor(app.url, { 'koa.sess': id }).get();
  assert.deepEqual(app.errors, []);
  assert.equal(status, 200);
  return recorder.calls.filter(({ operation }) => operation !== 'GetItem');
};

const stored = async (session, store = newStore()) => {
  const id = unique('id');
  await store.set(id, session, HOUR, { ctx: {} });
  return id;
};

module.exports = {
  atOnce,
  dataOf,
  engine,
  EXPIRY,
  HOUR,
  inParallel,
  namesIn,
  newLegacy,
  newStore,
  oneRequest,
  recorder,
  stored,
  table,
};
