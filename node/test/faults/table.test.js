'use strict';

// Every fault in the table of the Rust tests, through a Koa app over HTTP: what the visitor and the app see, the number
// of requests, and what is stored afterwards.

const assert = require('node:assert/strict');
const {
  after, before, describe, it,
} = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { rows, startFaultServer } = require('../support/faults');
const { serve, VERSIONS } = require('../support/koa');
const { isTombstone } = require('../support/tombstone');
const Visitor = require('../support/visitor');

// Faults run in parallel, because they spend most of their time waiting.
const SERVERS = 4;

// A fifth of the default timeouts, for which the table is made. Faults without a timeout keep long ones, for a slow
// machine.
const SHORT = { httpOptions: { connectTimeout: 200, timeout: 200 }, operationTimeout: 1000 };
const LONG = { httpOptions: { connectTimeout: 60000, timeout: 60000 }, operationTimeout: 120000 };
const limits = ({ at = [] }) => {
  if (at.length === 0) return LONG;
  // One attempt fails, and the next one must not: so it gets the default timeouts.
  return at.length === 1 && at[0] === 1000 ? {} : SHORT;
};

// The verbs of the table that page views use. The fault starts after the handler has run.
const VERBS = {
  load: { path: '/', armed: 'before' },
  create: { path: '/count', armed: 'before', isNew: true },
  save: { path: '/count', armed: 'within' },
  delete: { path: '/sign-out', armed: 'within' },
};

const viewsIn = (item) => item && !isTombstone(item) && Number(item.session.M.views.N);

async function startApp(server, table, row, expected) {
  let arm = async () => {};
  const store = new DynamoDBStore(server.options(table.name, { endpoint: row.endpoint, ...limits(expected) }));
  const app = await serve(VERSIONS[0], { store }, async (ctx) => {
    await arm();
    if (ctx.path === '/count') ctx.session.views = (ctx.session.views || 0) + 1;
    if (ctx.path === '/sign-out') ctx.session = null;
    return { views: ctx.session?.views };
  });
  return Object.assign(app, {
    async play(when) {
      const play = async () => {
        arm = async () => {};
        await server.log();
        await server.play(row);
      };
      if (when === 'before') await play();
      else arm = play;
    },
  });
}

// One verb of one row, with a session that has one view.
async function trial(server, row, verb) {
  const expected = row.expect[verb] ?? row.expect['*'];
  const { path, armed, isNew } = VERBS[verb];
  const table = server.table();
  await table.create();
  const id = 'a';
  const created = { N: String(Date.now() - 5000) };
  const expires = { N: String(Math.ceil(Date.now() / 1000) + 86400) };
  const session = { M: { views: { N: '1' }, left: { S: 'x' } } };
  // With a state, so that a sign-out need not read it.
  const rev = { B: Buffer.from('a state.').toString('base64') };
  if (!isNew) await table.putSession(id, session, { created, expires, rev });
  const app = await startApp(server, table, row, expected);
  // If no request arrives, the handler's request cannot be distinguished from the one before.
  const isReached = ['http', 'https'].includes(row.endpoint ?? 'http');
  try {
    const visitor = new Visitor(app.url, isNew ? {} : { 'koa.sess': id });
    await app.play(isReached ? armed : 'before');
    const { status, body, setCookies } = await visitor.get(path);
    const log = await server.log();
    await server.pass();
    const [first, ...more] = app.errors;
    assert.deepEqual(more, []);
    assert.equal(log.left, 0, 'unused steps of the script');
    log.entries.forEach(({ signature }) => assert.ok('Ok' in signature, signature.Err));
    if (isReached) assert.equal(log.entries.length, expected.attempts, 'requests');

    const items = await table.scan();
    const [item] = items;
    const isDone = !expected.error || expected.stored;
    if (expected.error) {
      assert.equal(status, 500);
      assert.equal(body, 'Internal Server Error');
      assert.deepEqual(setCookies, []);
      assert.equal(first.code, expected.js);
      assert.equal(first.attempts, expected.attempts);
      assert.equal(first.table, table.name);
      const isRead = verb === 'load' || !isReached;
      assert.equal(first.message === 'Unable to get session.', isRead && !isNew, first.message);
    } else {
      assert.equal(first, undefined);
      assert.equal(status, 200);
      if (verb !== 'delete') assert.deepEqual(body, { views: verb === 'save' ? 2 : 1 });
      assert.equal(setCookies.length, verb === 'load' ? 0 : 1);
    }
    // The session is stored once, however often the request was executed.
    if (verb === 'load') assert.deepEqual(item.session, session);
    if (verb === 'create') assert.deepEqual(items.map(viewsIn), isDone ? [1] : []);
    if (verb === 'delete') {
      // Where PutItem is not allowed, nothing is left.
      const isLeft = !row.on?.PutItem;
      assert.deepEqual(items.map(isTombstone), isDone ? [true].slice(isLeft ? 0 : 1) : [false]);
    }
    if (verb === 'save') {
      assert.equal(viewsIn(item), isDone ? 2 : 1);
      assert.deepEqual(item.session.M.left, session.M.left);
      assert.deepEqual(item.created, created);
    }

    // After the fault, the app goes on with the stored session.
    if (isReached) {
      app.errors.length = 0;
      const known = viewsIn(visitor.sessionId && (await table.get(visitor.sessionId)));
      const again = await visitor.get('/count');
      assert.deepEqual(app.errors, []);
      assert.deepEqual(again.body, { views: (known || 0) + 1 });
      assert.equal(viewsIn(await table.get(visitor.sessionId)), (known || 0) + 1);
    }
  } finally {
    await server.pass();
    await app.stop();
  }
}

// The answer to a new visitor.
async function visit(store) {
  const app = await serve(VERSIONS[0], { store }, (ctx) => { ctx.session.views = 1; });
  try {
    return (await new Visitor(app.url).get()).status;
  } finally {
    await app.stop();
  }
}

// Verbs that are not part of a page view.
const OTHERS = {
  async create_table(server, row) {
    const expected = row.expect['*'];
    const table = server.table();
    await server.play(row);
    await server.log();
    const options = { ...server.options(table.name, LONG), table: { name: table.name, autoCreate: true } };
    const store = new DynamoDBStore(options, () => {});
    try {
      // Visitors wait for the creation. It may fail before a visitor arrives, so the test calls the store directly. If
    // the table is there, sessions work in it.
      const isThere = !expected.error || expected.stored;
      if (!isThere) await assert.rejects(store.get('a'), { code: expected.js });
      else assert.equal(await visit(store), 200);
      const { entries } = await server.log();
      const own = entries.filter(({ operation }) => /Table|TimeToLive/.test(operation));
      assert.equal(own.length, expected.attempts);
      if (!isThere) await assert.rejects(table.scan(), /ResourceNotFoundException/);
      else assert.equal((await table.scan()).length, 1);
    } finally {
      await server.pass();
    }
  },
  async clear(server, row) {
    const expected = row.expect['*'];
    const table = server.table();
    await table.create();
    for (const id of ['a', 'b', 'c']) await table.putSession(id, { M: {} });
    const store = new ExpressStore(server.options(table.name, LONG));
    await server.play(row);
    await server.log();
    try {
      if (expected.error) await assert.rejects(store.clear(), { code: expected.js });
      else assert.equal(await store.clear(), 3);
      assert.equal((await server.log()).entries.length, expected.attempts);
      const sessions = (await table.scan()).filter((item) => !isTombstone(item));
      assert.equal(sessions.length, expected.error ? 3 : 0);
    } finally {
      await server.pass();
    }
  },
};

describe('every fault of the table', () => {
  let servers;
  const tried = new Map();

  before(async () => {
    servers = await Promise.all(Array.from({ length: SERVERS }, startFaultServer));
    const trials = rows().flatMap((row) => {
      const verbs = (row.verbs ?? Object.keys(VERBS)).filter((verb) => VERBS[verb] || OTHERS[verb]);
      return verbs.map((verb) => ({ row, verb }));
    });
    const play = async (server) => {
      for (let next = trials.shift(); next; next = trials.shift()) {
        const { row, verb } = next;
        const result = VERBS[verb] ? trial(server, row, verb) : OTHERS[verb](server, row);
        tried.set(`${row.fault}; ${verb}`, await result.catch((err) => err));
      }
    };
    await Promise.all(servers.map(play));
  });

  after(() => Promise.all(servers.map((server) => server.stop())));

  rows().forEach(({ fault, verbs = Object.keys(VERBS) }) => {
    const own = verbs.filter((verb) => VERBS[verb] || OTHERS[verb]);
    it(`${fault}: ${own.join(', ')}`, () => {
      assert.ok(own.length > 0);
      own.forEach((verb) => {
        const result = tried.get(`${fault}; ${verb}`);
        if (result) throw new Error(`${verb}: ${result.message}`, { cause: result });
        assert.ok(tried.has(`${fault}; ${verb}`));
      });
    });
  });
});
