'use strict';

// Logout wins: a destroyed session stays destroyed, whatever the requests that had loaded it do afterwards.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const Gate = require('../support/gate');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, localAlone, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');
const useTable = require('../support/table');
const { assertDeleted } = require('../support/tombstone');
const Visitor = require('../support/visitor');
const { SCENES, play } = require('./scenes');

const HOUR = 3600000;
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'logout');

const newStore = (more) => new DynamoDBStore(localAlone(engine.endpoint, table.name, more));

// A store, and its conflict events.
const watched = (more) => {
  const store = newStore(more);
  const conflicts = [];
  store.on('conflict', (conflict) => conflicts.push(conflict));
  return { store, conflicts };
};

const assertTold = (conflicts, id) => {
  assert.equal(conflicts.length, 1);
  assert.match(conflicts[0].ref, /^[0-9a-f]{24}$/);
  assert.ok(!JSON.stringify(conflicts).includes(id), 'the id itself is a secret');
};

// The session's item with this word in it, and only its data.
const dataOf = (item) => {
  const { _expire, _maxAge, ...data } = item.session.M;
  return data;
};

VERSIONS.forEach((version) => {
  ['merge', 'overwrite'].forEach((conflict) => {
    describe(`${version.name}, conflict: '${conflict}'`, () => {
      Object.entries(SCENES).forEach(([name, scene]) => {
        it(`${name}: the session stays away`, async (t) => {
          const { store, conflicts } = watched({ conflict });
          const earlier = store.stats().conflicts;
          const { id, item } = await play(t, {
            version, store, table, scene,
          });
          assertDeleted(item);
          assertTold(conflicts, id);
          assert.equal(store.stats().conflicts, earlier + 1);
        });

        it(`${name}: the next session under the id is left alone`, async (t) => {
          const { store, conflicts } = watched({ conflict });
          const { id, item, left } = await play(t, {
            version, store, table, scene, again: true,
          });
          assert.equal(left.session.M.user.S, 'Grace');
          assert.deepEqual(item, left);
          assertTold(conflicts, id);
        });
      });

      it('an externalKey that stays the same: the next session under it is left alone', async (t) => {
        const { store, conflicts } = watched({ conflict });
        const gate = new Gate();
        const token = unique('token');
        const options = {
          store, externalKey: { get: () => token, set() {} }, genid: () => token,
        };
        const app = await serveFor(t, version, options, async (ctx) => {
          if (ctx.path === '/sign-in') ctx.session.user = ctx.query.name;
          if (ctx.path === '/sign-out') ctx.session = null;
          if (ctx.path !== '/slow') return;
          await gate.pass();
          ctx.session.seen = true;
        });
        const visitor = new Visitor(app.url);
        await visitor.get('/sign-in?name=Ada');
        const slow = visitor.get('/slow');
        await gate.arrived();
        await visitor.get('/sign-out');
        await visitor.get('/sign-in?name=Grace');
        const left = await table.get(token);
        gate.open();
        assert.equal((await slow).status, 200);
        assert.deepEqual(await table.get(token), left);
        assert.deepEqual(dataOf(left), { user: { S: 'Grace' } });
        assertTold(conflicts, token);
      });

      it('regenerate: the old session stays deleted, and the new one is not written to', async (t) => {
        const { store, conflicts } = watched({ conflict });
        const gate = new Gate();
        const app = await serveFor(t, version, { store }, async (ctx) => {
          if (ctx.path === '/sign-in') {
            await ctx.session.regenerate();
            ctx.session.user = 'Ada';
          } else {
            if (ctx.path === '/slow') await gate.pass();
            ctx.session.views = (ctx.session.views || 0) + 1;
          }
        });
        const visitor = new Visitor(app.url);
        await visitor.get();
        const old = visitor.sessionId;
        const slow = new Visitor(app.url, { 'koa.sess': old }).get('/slow');
        await gate.arrived();
        await visitor.get('/sign-in');
        gate.open();
        await slow;
        assert.notEqual(visitor.sessionId, old);
        assertDeleted(await table.get(old));
        assert.deepEqual(dataOf(await table.get(visitor.sessionId)), { views: { N: '1' }, user: { S: 'Ada' } });
        assertTold(conflicts, old);
      });

      it('regenerate in the slow request: the old session stays deleted, and the new one is created', async (t) => {
        const { store, conflicts } = watched({ conflict });
        const gate = new Gate();
        const id = unique('id');
        await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
        const app = await serveFor(t, version, { store }, async (ctx) => {
          await gate.pass();
          await ctx.session.regenerate();
        });
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        const slow = visitor.get();
        await gate.arrived();
        await store.destroy(id, { ctx: {} });
        gate.open();
        await slow;
        assertDeleted(await table.get(id));
        assert.deepEqual(dataOf(await table.get(visitor.sessionId)), { user: { S: 'Ada' } });
        assert.deepEqual(conflicts, []);
      });

      it('a session destroyed, then one under the same id, by one request: not a conflict', async (t) => {
        const { store, conflicts } = watched({ conflict });
        const gate = new Gate();
        const id = unique('id');
        await store.set(id, { user: 'Ada', old: true }, HOUR, { ctx: {} });
        const app = await serveFor(t, version, { store }, async (ctx) => {
          if (ctx.path === '/slow') {
            await gate.pass();
            ctx.session.seen = true;
            return;
          }
          const { session } = ctx;
          ctx.session = null;
          await session.manuallyCommit();
          ctx.session = { user: 'Grace' };
          await ctx.session.manuallyCommit();
          ctx.session.more = 1;
        });
        const created = (await table.get(id)).created.N;
        const slow = new Visitor(app.url, { 'koa.sess': id }).get('/slow');
        await gate.arrived();
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        assert.equal((await visitor.get()).status, 200);
        const left = await table.get(id);
        assert.deepEqual(dataOf(left), { user: { S: 'Grace' }, more: { N: '1' } });
        assert.notEqual(left.created.N, created);
        assert.deepEqual(conflicts, []);
        gate.open();
        await slow;
        assert.deepEqual(await table.get(id), left);
        assertTold(conflicts, id);
      });

      it('items of the legacy package: a destroyed session stays destroyed', async (t) => {
        const { store, conflicts } = watched({ conflict });
        const gate = new Gate();
        const id = unique('id');
        await new Legacy(local(engine.endpoint, table.name)).set(id, { user: 'Ada' }, HOUR);
        assert.equal((await table.get(id)).created, undefined);
        const app = await serveFor(t, version, { store }, async (ctx) => {
          await gate.pass();
          ctx.session.views = 2;
        });
        const slow = new Visitor(app.url, { 'koa.sess': id }).get();
        await gate.arrived();
        await store.destroy(id, { ctx: {} });
        gate.open();
        assert.equal((await slow).status, 200);
        assertDeleted(await table.get(id));
        assertTold(conflicts, id);
      });

      it('a session that expired meanwhile is not kept alive by rolling', async (t) => {
        const { store, conflicts } = watched({ conflict });
        const gate = new Gate();
        const id = unique('id');
        await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
        const app = await serveFor(t, version, { store, rolling: true }, () => gate.pass());
        const slow = new Visitor(app.url, { 'koa.sess': id }).get();
        await gate.arrived();
        const past = { N: String(Math.floor(Date.now() / 1000) - 1) };
        await table.put({ ...await table.get(id), expires: past });
        gate.open();
        assert.equal((await slow).status, 200);
        assert.deepEqual((await table.get(id)).expires, past);
        assertTold(conflicts, id);
      });

      it('ContextStore: a store for each request tracks the session of its request', async (t) => {
        class ContextStore extends DynamoDBStore {
          constructor() {
            super(local(engine.endpoint, table.name, { conflict }));
          }
        }
        const gate = new Gate();
        const app = await serveFor(t, version, { ContextStore }, async (ctx) => {
          if (ctx.path === '/slow') await gate.pass();
          if (ctx.path === '/sign-out') ctx.session = null;
          else ctx.session.views = (ctx.session.views || 0) + 1;
        });
        const visitor = new Visitor(app.url);
        await visitor.get();
        const id = visitor.sessionId;
        const slow = new Visitor(app.url, { 'koa.sess': id }).get('/slow');
        await gate.arrived();
        await visitor.get('/sign-out');
        gate.open();
        assert.equal((await slow).status, 200);
        assertDeleted(await table.get(id));
        assert.deepEqual(app.errors, []);
      });
    });
  });

  describe(`${version.name}, in one request`, () => {
    it('a save without an await does not survive the logout after it', async (t) => {
      recorder.reset();
      const store = new DynamoDBStore(localAlone(recorder.endpoint, table.name));
      const put = recorder.hold('PutItem');
      const id = unique('id');
      const app = await serveFor(t, version, { store, genid: () => id }, (ctx) => {
        ctx.session.user = 'Ada';
        ctx.session.save();
        ctx.session = null;
      });
      const answer = new Visitor(app.url).get();
      await put.arrived();
      // A call after the logout has been answered, so the requests of the logout have been sent too.
      await store.get(unique('other'));
      put.release();
      assert.equal((await answer).status, 200);
      await store.close();
      assertDeleted(await table.get(id));
    });

    it('calls after a logout without an await are sent after it', async (t) => {
      recorder.reset();
      const store = new DynamoDBStore(localAlone(recorder.endpoint, table.name));
      const id = unique('id');
      await store.set(id, { user: 'Ada', old: true }, HOUR, { ctx: {} });
      const destroy = recorder.hold('PutItem');
      const app = await serveFor(t, version, { store, autoCommit: false }, async (ctx) => {
        const { session } = ctx;
        ctx.session = null;
        session.manuallyCommit();
        ctx.session = { user: 'Grace' };
        await ctx.session.save();
      });
      const answer = new Visitor(app.url, { 'koa.sess': id }).get();
      await destroy.arrived();
      // A later call has arrived, so no other request was sent before it.
      await store.get(unique('other'));
      assert.equal(recorder.only('PutItem').length, 2, 'that of the beginning, and the tombstone');
      destroy.release();
      assert.equal((await answer).status, 200);
      assert.deepEqual(dataOf(await table.get(id)), { user: { S: 'Grace' } });
    });

    it('a saved item of the legacy package: the next session under the id is left alone', async (t) => {
      const { store, conflicts } = watched();
      const gate = new Gate();
      const id = unique('id');
      await new Legacy(local(engine.endpoint, table.name)).set(id, { user: 'Ada' }, HOUR);
      assert.equal((await table.get(id)).created, undefined);
      const app = await serveFor(t, version, { store, autoCommit: false }, async (ctx) => {
        ctx.session.views = 2;
        await ctx.session.manuallyCommit();
        await gate.pass();
        ctx.session.views = 3;
        await ctx.session.manuallyCommit();
      });
      const slow = new Visitor(app.url, { 'koa.sess': id }).get();
      await gate.arrived();
      const { created } = await table.get(id);
      assert.ok(created);
      await store.destroy(id, { ctx: {} });
      await store.set(id, { user: 'Grace' }, HOUR, { ctx: {} });
      const left = await table.get(id);
      assert.notDeepEqual(left.created, created);
      assert.deepEqual(conflicts, []);
      gate.open();
      assert.equal((await slow).status, 200);
      assert.deepEqual(await table.get(id), left);
      assertTold(conflicts, id);
    });

    it('once a write was dropped, later ones are not even sent', async (t) => {
      recorder.reset();
      const store = new DynamoDBStore(localAlone(recorder.endpoint, table.name));
      const gate = new Gate();
      const id = unique('id');
      await store.set(id, { user: 'Ada' }, HOUR, { ctx: {} });
      const app = await serveFor(t, version, { store, autoCommit: false }, async (ctx) => {
        await gate.pass();
        for (let views = 1; views <= 5; views += 1) {
          ctx.session.views = views;
          await ctx.session.manuallyCommit();
        }
      });
      const slow = new Visitor(app.url, { 'koa.sess': id }).get();
      await gate.arrived();
      await store.destroy(id);
      recorder.reset();
      gate.open();
      await slow;
      assert.deepEqual(recorder.operations(), ['UpdateItem']);
      assertDeleted(await table.get(id));
    });
  });

  // Here the session is not destroyed, but the field `user` is cleared. Merging keeps it cleared.
  describe(`${version.name}, ctx.session.user = null`, () => {
    const signOutByField = async (t, store, signOut) => {
      const gate = new Gate();
      const id = unique('id');
      await store.set(id, { user: 'Ada', cart: [], views: 1 }, HOUR, { ctx: {} });
      const app = await serveFor(t, version, { store }, async (ctx) => {
        if (ctx.path === '/sign-out') {
          signOut(ctx.session);
          return;
        }
        await gate.pass();
        ctx.session[ctx.path.slice(1)] = 'changed';
      });
      const visit = (path) => new Visitor(app.url, { 'koa.sess': id }).get(path);
      const slow = ['/cart', '/views', '/more'].map(visit);
      await gate.arrived(3);
      await visit('/sign-out');
      gate.open();
      await Promise.all(slow);
      assert.deepEqual(app.errors, []);
      return dataOf(await table.get(id));
    };
    const WAYS = {
      null: [(session) => { session.user = null; }, { user: { NULL: true } }],
      deleted: [(session) => { delete session.user; }, {}],
      undefined: [(session) => { session.user = undefined; }, {}],
    };
    const changed = { S: 'changed' };

    Object.entries(WAYS).forEach(([name, [signOut, user]]) => {
      it(`${name}: changes made in parallel do not undo it, nor get lost`, async (t) => {
        const { store, conflicts } = watched();
        assert.deepEqual(await signOutByField(t, store, signOut), {
          ...user, cart: changed, views: changed, more: changed,
        });
        assert.deepEqual(conflicts, []);
      });

      it(`${name}: on the legacy package the user is signed in again, and two of three changes are lost`, async (t) => {
        const data = await signOutByField(t, new Legacy(local(engine.endpoint, table.name)), signOut);
        assert.deepEqual(data.user, { S: 'Ada' });
        assert.equal(Object.values(data).filter(({ S }) => S === 'changed').length, 1);
      });
    });
  });

  describe(`${version.name}, the legacy package: deleted sessions do come back`, () => {
    Object.entries(SCENES).filter(([, { legacyCannot }]) => !legacyCannot).forEach(([name, scene]) => {
      it(`${name}: the session is back`, async (t) => {
        const store = new Legacy(local(engine.endpoint, table.name));
        const { item } = await play(t, {
          version, store, table, scene,
        });
        assert.ok(item?.session.M);
      });

      it(`${name}: the next session under the id is lost`, async (t) => {
        const store = new Legacy(local(engine.endpoint, table.name));
        const { item, left } = await play(t, {
          version, store, table, scene, again: true,
        });
        assert.equal(left.session.M.user.S, 'Grace');
        assert.notEqual(item.session.M.user?.S, 'Grace');
      });
    });
  });
});

describe('koa-session that gives no ctx, or no options at all', () => {
  // As in koa-session before 6.1, and before 4.
  const CALLS = {
    'no ctx': (store) => ({
      get: (id, maxAge, { rolling }) => store.get(id, maxAge, { rolling }),
      set: (id, session, maxAge, { changed, rolling }) => store.set(id, session, maxAge, { changed, rolling }),
      destroy: (id) => store.destroy(id),
    }),
    'no options': (store) => ({
      get: (id) => store.get(id),
      set: (id, session, maxAge) => store.set(id, session, maxAge),
      destroy: (id) => store.destroy(id),
    }),
  };

  Object.entries(CALLS).forEach(([name, callsOf]) => {
    it(`${name}: sessions are written unconditionally, as the legacy package does`, async (t) => {
      const { store, conflicts } = watched();
      const earlier = store.stats().unguardedWrites;
      const { item } = await play(t, {
        version: VERSIONS[0], store: callsOf(store), table, scene: SCENES['a change'],
      });
      assert.deepEqual(dataOf(item), { user: { S: 'Ada' }, views: { N: '2' } });
      assert.deepEqual(conflicts, []);
      assert.equal(store.stats().unguardedWrites - earlier, 2);
    });
  });

  it('one warning for the life of the process, for all stores and calls', async () => {
    const { code, stderr } = await runScript(async (Store, options) => {
      const stores = [new Store(options), new Store(options), new Store({ ...options, prefix: 'other:' })];
      for (const store of stores) {
        await store.get('x');
        await store.set('x', { a: 1 }, 1000);
        await store.set('x', { a: 1 }, 1000, {});
        await store.set('x', { a: 1 }, 1000, { changed: true, rolling: false });
        await store.set('x', { a: 1 }, 1000, null);
        await store.destroy('x');
      }
    }, [local(engine.endpoint, table.name)]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/Warning/g)?.length, 1, stderr);
    assert.match(stderr, /koa-session/);
  });

  it('no warning with a ctx', async () => {
    const { code, stderr } = await runScript(async (Store, options) => {
      const store = new Store(options);
      const ctx = {};
      await store.get('y', undefined, { ctx });
      await store.set('y', { a: 1 }, 1000, { ctx, changed: true });
      await store.destroy('y', { ctx });
    }, [local(engine.endpoint, table.name)]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
  });
});
