'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const vm = require('node:vm');
const { before, describe, it } = require('node:test');
const cookie = require('@fastify/cookie');
const fastifySession = require('@fastify/session');
const express = require('express');
const expressSession = require('express-session');
const newFastify = require('fastify');
const Koa = require('koa');
const { createSession } = require('koa-session');
const KoaStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { STORE } = require('../../lib/options/table');
const { useEngine } = require('../support/engine');
const { local, localAlone, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const Visitor = require('../support/visitor');
const declared = require('./declared');
const { codeIn, read, sorted } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
before(() => engine.started);
const page = checksOf('docs/users.md');

const HOUR = 3600000;
const SECRET = 'a key of the tests, long enough for all of them';
const CLASSES = { koa: KoaStore, express: ExpressStore, fastify: ExpressStore };
const ID = 'ada';

/** What a snippet does with these variables. */
const run = (text, variables, result = 'undefined') => (
  vm.runInThisContext(`(${Object.keys(variables)}) => { ${text}; return ${result}; }`)(...Object.values(variables)));

let optionText;
page.snippet('store', async (t, { text }) => {
  optionText = text;
  for (const Store of new Set(Object.values(CLASSES))) {
    const store = await storeOf(Store, unique('option'));
    assert.deepEqual(await store.sessionsOf(ID), []);
  }
});

/** The store that the page makes, of this class and with a table of its own. */
async function storeOf(Store, table) {
  class DynamoDBStore extends Store {
    constructor({ table: of, ...options }) {
      super(localAlone(engine.endpoint, table, { ...options, table: of }));
    }
  }
  const store = run(optionText, { DynamoDBStore }, 'store');
  await store.ready;
  return store;
}

const bodyOf = async (request) => JSON.parse(Buffer.concat(await request.toArray()).toString() || '{}');

/** Servers whose routes the snippets add; a visitor signs in on another one. Each returns its address. */
const SERVERS = {
  async koa(t, store, addRoutes) {
    const app = new Koa();
    app.keys = [SECRET];
    const routes = {};
    const router = Object.fromEntries(['get', 'post'].map((method) => [method, (path, handler) => {
      routes[`${method.toUpperCase()} ${path}`] = handler;
    }]));
    app.on('error', () => {});
    app.use(createSession({ store, maxAge: HOUR }, app));
    app.use(async (ctx) => {
      ctx.request.body = await bodyOf(ctx.req);
      ctx.body = {};
      await routes[`${ctx.method} ${ctx.path}`](ctx);
    });
    addRoutes({ router });
    router.post('/sign-in', async (ctx) => { ctx.session.userId = ctx.request.body.userId; });
    return listen(t, app.callback());
  },

  async express(t, store, addRoutes) {
    const app = express();
    app.set('env', 'test'); // it prints no errors then
    app.use(expressSession({
      store, secret: SECRET, resave: false, saveUninitialized: false, cookie: { maxAge: HOUR },
    }));
    app.use(express.json());
    app.post('/sign-in', (request, response) => {
      request.session.userId = request.body.userId;
      response.json({});
    });
    addRoutes({ app });
    return listen(t, app);
  },

  async fastify(t, store, addRoutes) {
    const fastify = newFastify({ forceCloseConnections: true });
    t.after(() => fastify.close());
    fastify.register(cookie);
    fastify.register(fastifySession, {
      store, secret: SECRET, saveUninitialized: false, cookie: { maxAge: HOUR, secure: false },
    });
    fastify.post('/sign-in', async (request) => {
      request.session.userId = request.body.userId;
      return {};
    });
    addRoutes({ fastify });
    return fastify.listen({ port: 0, host: '127.0.0.1' });
  },
};

async function listen(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  t.after(() => { server.close(); server.closeAllConnections(); });
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

Object.entries(SERVERS).forEach(([name, serve]) => page.snippet(name, async (t, { text }) => {
  const store = await storeOf(CLASSES[name], unique(name));
  const passwords = { [ID]: 'old' };
  const url = await serve(t, store, (variables) => run(text, {
    ...variables,
    require,
    store,
    verifyPassword: async (userId, password) => passwords[userId] === password,
    storePassword: async (userId, password) => { passwords[userId] = password; },
  }));
  const post = (visitor, path, body) => visitor.request(path, {
    method: 'POST', redirect: 'manual', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const visitors = {};
  for (const device of ['phone', 'laptop', 'desk']) {
    visitors[device] = new Visitor(url);
    const answer = await visitors[device].request('/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': device },
      body: JSON.stringify({ userId: ID }),
    });
    assert.equal(answer.status, 200);
  }
  const labels = async () => (await store.sessionsOf(ID)).map(({ label }) => label).sort();
  assert.deepEqual(await labels(), ['desk', 'laptop', 'phone']);

  const { body: devices } = await visitors.phone.get('/devices');
  assert.deepEqual(devices.filter(({ current }) => current).map(({ label }) => label), ['phone']);
  const properties = page.column('The methods', 'property');
  devices.forEach((device) => assert.deepEqual(sorted(Object.keys(device)), sorted(properties)));
  const { ref } = devices.find(({ label }) => label === 'laptop');
  assert.equal((await post(visitors.phone, '/devices/sign-out', { ref })).status, 302);
  assert.deepEqual(await labels(), ['desk', 'phone']);
  const [, code] = /not 24 hexadecimal digits is an `(\w+)`/.exec(page.text());
  await assert.rejects(store.revoke(ID, 'laptop'), { code });
  assert.equal((await post(visitors.phone, '/devices/sign-out', { ref: 'laptop' })).status, 500);

  const refused = await post(visitors.phone, '/password', { oldPassword: 'wrong', newPassword: 'new' });
  assert.equal(refused.status, 403);
  assert.equal((await labels()).length, 2);
  const cookies = new Map(visitors.phone.cookies);
  const changed = await post(visitors.phone, '/password', { oldPassword: 'old', newPassword: 'new' });
  assert.deepEqual([changed.status, passwords[ID]], [302, 'new']);
  const [left, ...others] = await store.sessionsOf(ID);
  assert.deepEqual(others, []);
  assert.ok(!devices.some((device) => device.ref === left.ref), 'the session has a new id');
  const { body: now } = await visitors.phone.get('/devices');
  assert.deepEqual(now.map(({ current }) => current), [true]);
  // Neither the id from before nor another device opens a session.
  const stolen = new Visitor(url);
  stolen.cookies = cookies;
  for (const visitor of [stolen, visitors.laptop, visitors.desk]) {
    assert.notEqual((await visitor.get('/devices')).status, 200);
  }
}));

it('the option has the members of its table, and the default that it says', () => {
  const rows = page.rows('The option', 'member');
  assert.deepEqual(sorted(rows.map(([name]) => codeIn(name)[0])), sorted(Object.keys(STORE.users.members)));
  const { min, max, default: most } = STORE.users.members.max;
  const [, text] = rows.find(([name]) => name === '`max`');
  assert.ok(text.includes(`${min} to ${max}, by default ${most}`));
});

it('both classes have the methods', () => {
  const names = page.column('The methods', 'method').map((cell) => cell.replace(/\(.*/, ''));
  assert.equal(names.length, 3);
  const types = declared('common', 'interface', 'UserSession');
  assert.deepEqual(sorted(page.column('The methods', 'property')), sorted(types));
  for (const Store of [KoaStore, ExpressStore]) {
    names.forEach((name) => assert.equal(typeof Store.prototype[name], 'function', name));
  }
});

it('eventually consistent reads are refused', () => {
  const of = ({ userId }) => userId;
  assert.match(page.section('The option'), /`consistentRead: false` the constructor throws/);
  assert.throws(() => new KoaStore(local(engine.endpoint, 'sessions', { users: { of }, consistentRead: false })), /consistent reads/);
});

describe('what the table shows', () => {
  const rows = page.rows('What the table shows', 'attribute');
  const session = { userId: ID, cookie: { originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR).toISOString() } };

  const open = async () => {
    const name = unique('shows');
    return { store: await storeOf(ExpressStore, name), table: rawTable(engine.endpoint, name) };
  };

  it('the attributes are those of the core', () => {
    const source = read('crates/dynamodb-session/src/item/attributes.rs');
    const [, list] = /OF_USERS: \[&str; \d+\] = \[(.*?)\]/s.exec(source);
    const constants = list.match(/\w+/g);
    const names = constants.map((name) => new RegExp(`const ${name}: &str = "(\\w+)"`).exec(source)[1]);
    assert.deepEqual(sorted(page.column('What the table shows', 'attribute')), sorted(names));
  });

  it('the items of a user and of a session', async () => {
    const { store, table } = await open();
    await store.set('phone', session);
    await store.revokeUser(ID, { except: 'phone' });
    const { userKey, seen, ...others } = await table.get('phone');
    assert.ok(others.session && Math.abs(Number(seen.N) * 1000 - Date.now()) < 60000);
    const { sessionId, ...item } = await table.get(userKey.S);
    assert.match(sessionId.S, /^u1\.[\w-]{43}$/);
    assert.doesNotMatch(JSON.stringify(item), /ada/);
    Object.entries(item).forEach(([name, value]) => {
      const row = rows.find(([cell]) => cell === `\`${name}\``);
      assert.equal(Object.keys(value)[0], row[1], name);
    });
    assert.deepEqual(sorted(Object.keys(item)), ['before', 'sessions', 'taken']);
    const [[ref, entry]] = Object.entries(item.sessions.M);
    assert.match(ref, /^[0-9a-f]{24}$/);
    assert.deepEqual(sorted([...Object.keys(entry.M), 'label']), ['at', 'created', 'key', 'label']);
    assert.equal(entry.M.key.S, 'phone');
  });

  it('a user whose item was deleted: a revoke does not find the sessions, and `userKey` leads to them', async () => {
    const { store, table } = await open();
    await store.set('phone', session);
    const { userKey } = await table.get('phone');
    await table.delete(userKey.S);
    assert.deepEqual(await store.revokeUser(ID), { revoked: 0 });
    assert.ok(await store.get('phone'));
    const [found] = (await table.scan()).filter((item) => item.session && item.userKey.S === userKey.S);
    await store.destroy(found.sessionId.S);
    assert.equal(await store.get('phone'), undefined);
  });

  it('`clear` leaves the items of users, and deletes them with the tombstones', async () => {
    const { store, table } = await open();
    await store.set('phone', session);
    const { userKey } = await table.get('phone');
    assert.equal(await store.clear(), 1);
    assert.ok(await table.get(userKey.S));
    assert.deepEqual(await store.sessionsOf(ID), []);
    await store.clear({ tombstones: true });
    assert.equal(await table.get(userKey.S), undefined);
  });
});

it('each requirement of ASVS says what the store does, and what is left', () => {
  const requirements = page.rows('OWASP ASVS', 'requirement');
  assert.ok(requirements.length > 4);
  requirements.forEach(([number, ...cells]) => {
    assert.match(number, /^V7\.\d\.\d$/);
    assert.ok(cells.length === 3 && cells.every(Boolean), number);
  });
  const known = [...page.column('The methods', 'method').map((cell) => cell.replace(/\(.*/, '')), 'max', 'except', 'clear', 'regenerate'];
  requirements.flatMap(([, , store]) => codeIn(store)).forEach((name) => assert.ok(known.includes(name), name));
});

page.complete();
