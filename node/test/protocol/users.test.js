'use strict';

// The sessions of a user, over HTTP in each framework: listed, signed out one by one, and all at once.

/* eslint no-await-in-loop: "off", no-restricted-syntax: "off" -- one after the other */
/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const Gate = require('../support/gate');
const { localAlone, unique } = require('../support/options');
const useTable = require('../support/table');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const engine = useEngine();
const table = useTable(engine, 'users');
const hashedTable = useTable(engine, 'users-hashed');

const of = (session) => session.user;

/** The pages of an app whose visitors sign in. */
const pages = (store, gate) => ({
  '/sign-in': ({ session, query }) => { session.user = query.user; },
  '/view': ({ session }) => ({ user: session.user }),
  '/count': ({ session }) => { session.n = (session.n ?? 0) + 1; },
  '/leave': ({ session }) => { delete session.user; },
  '/renew': async (request) => { await request.renew(); },
  '/devices': async ({ session, id }) => ({ devices: await store.sessionsOf(session.user, { current: id() }) }),
  '/revoke': async ({ session, query }) => ({ revoked: await store.revoke(session.user, query.ref) }),
  '/revoke-others': ({ session, id }) => store.revokeUser(session.user, { except: id() }),
  '/revoke-all': ({ session }) => store.revokeUser(session.user),
  '/slow': async (request) => {
    const { session, query } = request;
    await gate.pass();
    if (query.then === 'renew') await request.renew();
    else session.n = 1;
  },
});

/** Does something with each, a few at a time. */
const inBatches = async (all, each) => {
  for (let index = 0; index < all.length; index += 20) await Promise.all(all.slice(index, index + 20).map(each));
};

/** An app with this store, and visitors who come to it. The first new session gets the id, if there is one. */
const open = async (t, framework, store, gate = undefined, id = undefined) => {
  const ids = id ? [id] : [];
  const genid = () => ids.shift() ?? unique('session');
  const app = await framework.open(t, store, { maxAge: HOUR, genid }, async (request) => (
    await pages(store, gate)[request.path](request) ?? {}));
  const visit = async (visitor, page) => {
    const { status, body } = await visitor.get(page);
    assert.equal(status, 200, JSON.stringify(app.errors.map(String)));
    return body;
  };
  return {
    store,
    app,
    visitor: () => new Visitor(app.url),
    visit,
    async signIn(user, headers = {}) {
      const visitor = new Visitor(app.url);
      const { status } = await visitor.get(`/sign-in?user=${user}`, headers);
      assert.equal(status, 200, JSON.stringify(app.errors.map(String)));
      return visitor;
    },
    async isSignedIn(visitor) { return (await visit(visitor, '/view')).user !== undefined; },
  };
};

const KEY = { id: 'k1', key: Buffer.alloc(32, 1) };
const KINDS = {
  plain: { options: {}, table },
  sealed: { options: { encryption: { keys: [KEY] } }, table },
  hashed: { options: { hashIds: 'on' }, table: hashedTable },
};

frameworks.forEach((framework) => {
  const newStore = (users = { of }, { options, table: { name } } = KINDS.plain) => (
    new framework.Store(localAlone(engine.endpoint, name, { users, ...options })));

  describe(framework.name, () => {
    Object.entries(KINDS).forEach(([kind, settings]) => {
      it(`${kind}: a user sees the devices, signs one out, then all others, then all`, async (t) => {
        const label = (session, request) => request.headers['user-agent'];
        const app = await open(t, framework, newStore({ of, label }, settings));
        const user = unique('user');
        const phone = await app.signIn(user, { 'user-agent': 'a phone' });
        const laptop = await app.signIn(user, { 'user-agent': 'a laptop' });
        const desk = await app.signIn(user, { 'user-agent': 'a desk' });
        const stranger = await app.signIn(unique('stranger'));
        const { devices } = await app.visit(phone, '/devices');
        assert.deepEqual(devices.map((device) => device.label).sort(), ['a desk', 'a laptop', 'a phone']);
        assert.deepEqual(devices.map(({ label: name, current }) => name === 'a phone' === current), [true, true, true]);
        const now = Date.now();
        devices.forEach((device) => {
          assert.match(device.ref, /^[0-9a-f]{24}$/);
          ['created', 'signedIn', 'lastSeen'].forEach((name) => {
            assert.ok(Math.abs(Date.parse(device[name]) - now) < 60000, name);
          });
          assert.ok(Date.parse(device.expires) > now + HOUR - 60000);
        });

        const { ref } = devices.find((device) => device.label === 'a laptop');
        assert.deepEqual(await app.visit(stranger, `/revoke?ref=${ref}`), { revoked: false });
        assert.ok(await app.isSignedIn(laptop));
        assert.deepEqual(await app.visit(phone, `/revoke?ref=${ref}`), { revoked: true });
        assert.ok(!await app.isSignedIn(laptop));
        assert.deepEqual(await app.visit(phone, '/revoke-others'), { revoked: 1 });
        assert.ok(!await app.isSignedIn(desk));
        assert.ok(await app.isSignedIn(phone));
        await app.visit(phone, '/count');
        assert.deepEqual(await app.visit(phone, '/revoke-all'), { revoked: 1 });
        assert.ok(!await app.isSignedIn(phone));
        assert.ok(await app.isSignedIn(stranger));
        assert.deepEqual(app.app.errors, []);
      });
    });

    it('a request in flight neither keeps nor renews a session that is revoked', async (t) => {
      for (const then of ['save', 'renew']) {
        const gate = new Gate();
        const app = await open(t, framework, newStore(), gate);
        const user = unique('user');
        const visitor = await app.signIn(user);
        const slow = visitor.get(`/slow?then=${then}`);
        await gate.arrived();
        assert.deepEqual(await app.store.revokeUser(user), { revoked: 1 });
        gate.open();
        await slow;
        assert.ok(!await app.isSignedIn(visitor), then);
        assert.deepEqual(await app.store.sessionsOf(user), []);
      }
    });

    it('a renewed session stays, and is listed once', async (t) => {
      const app = await open(t, framework, newStore());
      const user = unique('user');
      const visitor = await app.signIn(user);
      const before = await app.store.sessionsOf(user);
      await app.visit(visitor, '/renew');
      assert.ok(await app.isSignedIn(visitor));
      const after = await app.store.sessionsOf(user);
      assert.equal(after.length, 1);
      assert.notEqual(after[0].ref, before[0].ref);
      assert.deepEqual(await app.store.revokeUser(user), { revoked: 1 });
      assert.ok(!await app.isSignedIn(visitor));
    });

    it('20 sign-ins at once, while two processes revoke: what is accepted is listed', async (t) => {
      const app = await open(t, framework, newStore({ of, max: 100 }));
      // Stores of other options share nothing, as those of two processes.
      const others = [101, 102].map((max) => newStore({ of, max }));
      const user = unique('user');
      const signIns = Array.from({ length: 20 }, () => app.signIn(user));
      await Promise.all(others.map((other) => other.revokeUser(user)));
      const visitors = await Promise.all(signIns);
      const accepted = await Promise.all(visitors.map((visitor) => app.isSignedIn(visitor)));
      const count = accepted.filter(Boolean).length;
      assert.equal((await others[0].sessionsOf(user)).length, count);
      assert.deepEqual(await others[1].revokeUser(user), { revoked: count });
      const left = await Promise.all(visitors.map((visitor) => app.isSignedIn(visitor)));
      assert.ok(left.every((is) => !is));
    });

    it('sessions from before are registered when they come, or are gone after a revoke', async (t) => {
      const before = await open(t, framework, new framework.Store(localAlone(engine.endpoint, table.name)));
      const user = unique('user');
      const visitors = await Promise.all(Array.from({ length: 3 }, () => before.signIn(user)));
      const label = (session, request) => request?.headers['x-device'];
      const app = await open(t, framework, newStore({ of, label }));
      visitors.forEach((visitor) => { visitor.url = app.app.url; });
      await visitors[0].get('/view', { 'x-device': 'a phone' });
      const [registered, ...others] = await app.store.sessionsOf(user);
      // Only koa-session says for which request it loads a session.
      assert.equal(registered.label, framework.isKoa ? 'a phone' : undefined);
      assert.deepEqual(others, []);
      assert.deepEqual(await app.store.revokeUser(user), { revoked: 1 });
      for (const visitor of visitors) assert.ok(!await app.isSignedIn(visitor));
    });

    it('a thousand sessions from before are gone after one revoke', async (t) => {
      const ids = Array.from({ length: 1000 }, () => unique('old'));
      const before = new framework.Store(localAlone(engine.endpoint, table.name));
      const one = await open(t, framework, before, undefined, ids[0]);
      const user = unique('user');
      await one.signIn(user);
      const item = await table.get(ids[0]);
      await inBatches(ids.slice(1), (id) => table.put({ ...item, sessionId: { S: id } }));
      const app = await open(t, framework, newStore());
      const withCookie = (id) => new Visitor(app.app.url, framework.cookies(id));
      assert.ok(await app.isSignedIn(withCookie(ids[1])));
      await app.store.revokeUser(user);
      await inBatches(ids, async (id) => assert.ok(!await app.isSignedIn(withCookie(id))));
    });

    it('an item that is deleted by hand: sign-ins go on, and a session is not renewed', async (t) => {
      const app = await open(t, framework, newStore());
      const user = unique('user');
      const [old, renewed] = await Promise.all([app.signIn(user), app.signIn(user)]);
      const items = await table.scan();
      const { userKey } = items.find((item) => JSON.stringify(item.session ?? {}).includes(`"${user}"`));
      await table.delete(userKey.S);
      const later = await app.signIn(user);
      assert.equal((await app.store.sessionsOf(user)).length, 1);
      assert.ok(await app.isSignedIn(old));
      await app.visit(renewed, '/renew');
      assert.ok(!await app.isSignedIn(renewed));
      assert.deepEqual(await app.store.revokeUser(user), { revoked: 1 });
      assert.ok(!await app.isSignedIn(later));
      assert.deepEqual(app.app.errors, []);
    });

    it('two processes keep to the largest number of sessions', async (t) => {
      const apps = await Promise.all([{}, { maxConnections: 64 }].map((more) => open(
        t,
        framework, (
          new framework.Store(localAlone(engine.endpoint, table.name, { users: { of, max: 3 }, ...more }))),
      )));
      const user = unique('user');
      const visitors = [];
      for (let round = 0; round < 4; round += 1) {
        visitors.push(...await Promise.all(apps.map((app) => app.signIn(user))));
      }
      const accepted = await Promise.all(visitors.map((visitor) => apps[0].isSignedIn(visitor)));
      assert.equal(accepted.filter(Boolean).length, 3);
      assert.equal((await apps[1].store.sessionsOf(user)).length, 3);
    });

    it('who leaves in place is not listed any more, and stays a visitor', async (t) => {
      const app = await open(t, framework, newStore());
      const user = unique('user');
      const visitor = await app.signIn(user);
      await app.visit(visitor, '/leave');
      assert.deepEqual(await app.store.sessionsOf(user), []);
      await app.visit(visitor, `/sign-in?user=${user}2`);
      assert.equal((await app.store.sessionsOf(`${user}2`)).length, 1);
    });

    it('a user who is none is a clear error, and nothing is stored', async (t) => {
      const bad = {
        promise: async () => 'x',
        object: () => ({}),
        empty: () => '',
        fraction: () => 1.5,
        surrogate: () => '\ud800',
        thrown() { throw new Error('of the application'); },
        huge: () => 'x'.repeat(3000),
      };
      for (const [name, compute] of Object.entries(bad)) {
        const store = newStore({ of: (session) => (session.user ? compute() : undefined) });
        const app = await open(t, framework, store);
        const visitor = app.visitor();
        const { status } = await visitor.get('/sign-in?user=x');
        assert.ok(!await app.isSignedIn(visitor), name);
        assert.ok(status === 500 || app.app.errors.length > 0, name);
      }
    });
  });
});

describe('the option users', () => {
  const { Store } = frameworks[0];
  const options = (users, more) => localAlone('http://127.0.0.1:1', 'unused', { users, ...more });

  for (const [what, users, pattern] of [
    ['no function', {}, /users\.of must be given/],
    ['of', { of: 'user' }, /users\.of must be a function/],
    ['max', { of, max: 0 }, /users\.max/],
    ['max', { of, max: 1001 }, /users\.max/],
    ['label', { of, label: 'x' }, /users\.label must be a function/],
    ['anything', 'x', /users must be an object/],
  ]) {
    it(`refuses ${what}: ${JSON.stringify(users)}`, () => {
      assert.throws(() => new Store(options(users)), pattern);
    });
  }

  it('needs consistent reads', () => {
    assert.throws(() => new Store(options({ of }, { consistentRead: false })), /users: it needs consistent reads/);
  });

  it('is what the methods need', async () => {
    const store = new Store(localAlone('http://127.0.0.1:1', 'unused'));
    await assert.rejects(store.revokeUser('x'), /users/);
    await assert.rejects(store.sessionsOf('x'), /users/);
    await assert.rejects(store.sessionsOf(undefined), /the user is missing/);
    await assert.rejects(store.revoke('x', undefined), /reference/);
    await assert.rejects(store.revoke('x', 'nonsense'), /hexadecimal/);
  });
});
