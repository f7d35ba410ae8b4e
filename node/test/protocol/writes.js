'use strict';

// Runs requests of one session, in parallel or alone, and returns what they wrote.

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

// The data of the application, without koa-session's own fields.
const dataOf = (item) => Object.fromEntries(Object.entries(item.session.M).filter(([name]) => !EXPIRY.includes(name)));

// The attributes that an UpdateItem names.
const namesIn = ({ body }) => Object.values(body.ExpressionAttributeNames);

// The fields of the session that an UpdateItem writes as a whole; undefined for one that moves the expiry alone.
const writtenIn = ({ body }) => {
  const [name] = Object.entries(body.ExpressionAttributeNames).find(([, attribute]) => attribute === 'session');
  const value = new RegExp(`${name} = (:\\w+)`).exec(body.UpdateExpression)?.[1];
  return body.ExpressionAttributeValues[value]?.M;
};

// Parallel requests: all have loaded the session before the first of them goes on. Then each makes its change,
// `changes[i](session, ctx)`, one after the other, so that the outcome is certain.
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
  answers.forEach((answer) => answer.catch(() => {})); // only the first error is reported
  await Promise.all(gates.map((gate) => gate.arrived()));
  for (const [index, gate] of gates.entries()) {
    gate.open();
    assert.equal((await answers[index]).status, 200);
  }
  assert.deepEqual(app.errors, []);
  return dataOf(await table.get(id));
};

// The same, but all go on at once.
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

// Runs one request that makes this change to the session `id`. Returns the requests that it sent to the table.
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
  writtenIn,
};
