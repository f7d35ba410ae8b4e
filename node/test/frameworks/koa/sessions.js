'use strict';

// What a visitor of a Koa app sees of their session, from sign-in to sign-out. `update` is the operation that changes
// a session on this engine.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { serveFor, VERSIONS } = require('../../support/koa');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { useRecorder } = require('../../support/recorder');
const useTable = require('../../support/table');
const { assertDeleted } = require('../../support/tombstone');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');

const DAY = 86400000;

module.exports = function sessions(engine, { update = 'UpdateItem' } = {}) {
  const recorder = useRecorder(engine);
  const table = useTable(engine, 'sessions');

  const newStore = (more) => new DynamoDBStore(local(engine.endpoint, table.name, more));

  // An app with the routes the tests need.
  const routes = {
    '/': (ctx) => ({ id: ctx.session.externalKey, session: ctx.session, isNew: ctx.session.isNew }),
    '/count': (ctx) => {
      ctx.session.views = (ctx.session.views || 0) + 1;
      return { views: ctx.session.views };
    },
    '/sign-in': async (ctx) => {
      await ctx.session.regenerate();
      ctx.session.user = ctx.query.name;
    },
    '/sign-out': (ctx) => { ctx.session = null; },
  };
  const handler = (ctx) => routes[ctx.path](ctx);

  const assertExpires = (item, from, ms) => {
    const expires = Number(item.expires.N);
    assert.ok(expires >= Math.ceil((from + ms) / 1000), 'expires too early');
    assert.ok(expires <= Math.ceil((Date.now() + ms) / 1000), 'expires too late');
  };

  VERSIONS.forEach((version) => {
    describe(version.name, () => {
      it('counts views, signs in, signs out', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const visitor = new Visitor(app.url);
        assert.deepEqual((await visitor.get('/count')).body, { views: 1 });
        assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
        const first = visitor.sessionId;
        assert.ok(await table.get(first));

        await visitor.get('/sign-in?name=Ada');
        const second = visitor.sessionId;
        assert.notEqual(second, first);
        assertDeleted(await table.get(first));
        const { body } = await visitor.get('/');
        assert.deepEqual(body.session, { views: 2, user: 'Ada' });
        assert.equal(body.id, second);

        await visitor.get('/sign-out');
        assert.equal(visitor.sessionId, undefined);
        assertDeleted(await table.get(second));
        // A visitor who kept the cookies is signed out too.
        const thief = new Visitor(app.url, { 'koa.sess': second });
        assert.deepEqual((await thief.get('/')).body.session, {});
        await until('the event', () => app.events.length > 0);
        assert.deepEqual(app.events, [{ name: 'session:missed', key: second, value: undefined }]);
        assert.deepEqual(app.errors, []);
      });

      it('signed cookies work, forged ones reach no store', async (t) => {
        recorder.reset();
        const store = new DynamoDBStore(local(recorder.endpoint, table.name));
        const app = await serveFor(t, version, { store, signed: true }, handler);
        const visitor = new Visitor(app.url);
        await visitor.get('/count');
        assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
        recorder.reset();
        const forger = new Visitor(app.url, { 'koa.sess': visitor.sessionId, 'koa.sess.sig': 'forged' });
        assert.deepEqual((await forger.get('/')).body.session, {});
        assert.deepEqual(recorder.operations(), []);
      });

      it(`a page view that changes nothing is one GetItem, one that does is a GetItem and ${update === 'UpdateItem' ? 'an' : 'a'} ${update}`, async (t) => {
        const store = new DynamoDBStore(local(recorder.endpoint, table.name));
        const app = await serveFor(t, version, { store }, handler);
        const visitor = new Visitor(app.url);
        recorder.reset();
        await visitor.get('/count');
        assert.deepEqual(recorder.operations(), ['PutItem']);
        recorder.reset();
        await visitor.get('/');
        assert.deepEqual(recorder.operations(), ['GetItem']);
        recorder.reset();
        await visitor.get('/count');
        assert.deepEqual(recorder.operations(), ['GetItem', update]);
      });

      it('dates come back as text, buffers as buffers', async (t) => {
        let seen;
        const app = await serveFor(t, version, { store: newStore() }, (ctx) => {
          if (ctx.path === '/read') {
            seen = ctx.session.toJSON();
          } else {
            ctx.session.at = new Date(0);
            ctx.session.bytes = Buffer.from([0, 1, 255]);
            ctx.session.when = { it: new Date(5) };
          }
        });
        const visitor = new Visitor(app.url);
        await visitor.get('/write');
        await visitor.get('/read');
        assert.deepEqual(seen, {
          at: '1970-01-01T00:00:00.000Z',
          bytes: Buffer.from([0, 1, 255]),
          when: { it: '1970-01-01T00:00:00.005Z' },
        });
        assert.ok(Buffer.isBuffer(seen.bytes));
      });

      it('an expired item that is still in the table is a miss', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const id = unique('expired');
        const past = String(Math.floor(Date.now() / 1000) - 1);
        await table.putSession(id, { M: { user: { S: 'Ada' } } }, { expires: { N: past } });
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        const { body } = await visitor.get('/');
        assert.deepEqual(body.session, {});
        assert.notEqual(body.id, id);
        await until('the event', () => app.events.length > 0);
        assert.deepEqual(app.events.map(({ name, key }) => [name, key]), [['session:missed', id]]);
      });

      it('a session koa-session calls expired while the item lives is session:expired', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const id = unique('late');
        await newStore().set(id, { user: 'Ada', _expire: Date.now() - 5, _maxAge: 1000 }, 10000);
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        assert.deepEqual((await visitor.get('/')).body.session, {});
        await until('the event', () => app.events.length > 0);
        assert.deepEqual(app.events.map(({ name, key }) => [name, key]), [['session:expired', id]]);
      });

      it('rows that hold no session are misses, not sessions', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const rows = {
          'no session at all': undefined,
          text: { S: 'text' },
          number: { N: '5' },
          null: { NULL: true },
          false: { BOOL: false },
          list: { L: [] },
        };
        await Promise.all(Object.entries(rows).map(async ([name, session]) => {
          const id = unique('row');
          await table.putSession(id, session, { user: { S: 'Ada' } });
          const { status, body } = await new Visitor(app.url, { 'koa.sess': id }).get('/');
          assert.equal(status, 200, name);
          assert.deepEqual(body.session, {}, name);
          assert.notEqual(body.id, id, name);
        }));
        await until('the events', () => app.events.length === Object.keys(rows).length);
        assert.deepEqual([...new Set(app.events.map(({ name }) => name))], ['session:missed']);
        assert.deepEqual(app.errors, []);
      });

      it('an empty session is a session', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const id = unique('empty');
        await table.putSession(id, { M: {} });
        const { body } = await new Visitor(app.url, { 'koa.sess': id }).get('/');
        assert.equal(body.id, id);
        assert.deepEqual(app.events, []);
      });

      it('an item without expiry is live, and gets one when it is saved', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const id = unique('eternal');
        await rawTable(engine.endpoint, table.name).put({ sessionId: { S: id }, session: { M: { views: { N: '1' } } } });
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        const from = Date.now();
        assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
        assertExpires(await table.get(id), from, DAY + 10000);
      });

      it('a cookie that is no possible id is a miss', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const { status, body } = await new Visitor(app.url, { 'koa.sess': 'x'.repeat(2049) }).get('/');
        assert.equal(status, 200);
        assert.deepEqual(body.session, {});
        assert.deepEqual(app.errors, []);
      });

      it("maxAge 'session': the item lives a day, or sessionTtl", async (t) => {
        const options = { maxAge: 'session' };
        const plain = await serveFor(t, version, { ...options, store: newStore() }, handler);
        const from = Date.now();
        const visitor = new Visitor(plain.url);
        const { setCookies: [cookie] } = await visitor.get('/count');
        assert.doesNotMatch(cookie, /expires/);
        assertExpires(await table.get(visitor.sessionId), from, DAY);
        assert.deepEqual((await visitor.get('/count')).body, { views: 2 });

        const week = await serveFor(t, version, { ...options, store: newStore({ sessionTtl: 7 * DAY }) }, handler);
        const other = new Visitor(week.url);
        await other.get('/count');
        assertExpires(await table.get(other.sessionId), from, 7 * DAY);
      });

      it('maxAge in the options: the cookie and the item expire', async (t) => {
        const app = await serveFor(t, version, { maxAge: 60000, store: newStore() }, handler);
        const from = Date.now();
        const visitor = new Visitor(app.url);
        const { setCookies: [cookie] } = await visitor.get('/count');
        const cookieExpires = Date.parse(/expires=([^;]+)/.exec(cookie)[1]);
        assert.ok(Math.abs(cookieExpires - from - 60000) < 5000);
        assertExpires(await table.get(visitor.sessionId), from, 70000);
      });

      it('rolling moves the expiry with every page view, renew only when half of it is over', async (t) => {
        const rolling = await serveFor(t, version, { maxAge: 60000, rolling: true, store: newStore() }, handler);
        const id = unique('rolling');
        const expireSoon = async () => {
          await newStore().set(id, { user: 'Ada', _expire: Date.now() + 20000, _maxAge: 60000 }, 30000);
          return Number((await table.get(id)).expires.N);
        };
        const early = await expireSoon();
        const visitor = new Visitor(rolling.url, { 'koa.sess': id });
        const { setCookies: [cookie], body } = await visitor.get('/');
        assert.match(cookie, /expires=/);
        assert.deepEqual(body.session, { user: 'Ada' });
        assert.ok(Number((await table.get(id)).expires.N) >= early + 30);

        const renewing = await serveFor(t, version, { maxAge: 60000, renew: true, store: newStore() }, handler);
        await expireSoon();
        await new Visitor(renewing.url, { 'koa.sess': id }).get('/');
        const renewed = Number((await table.get(id)).expires.N);
        assert.ok(renewed >= early + 30);
        // Now it is not due.
        const { setCookies } = await new Visitor(renewing.url, { 'koa.sess': id }).get('/');
        assert.deepEqual(setCookies, []);
        assert.equal(Number((await table.get(id)).expires.N), renewed);
      });

      it('externalKey: the session travels in a header of the application', async (t) => {
        const externalKey = {
          get: (ctx) => ctx.get('x-session') || undefined,
          set: (ctx, key) => ctx.set('x-session', key),
        };
        const app = await serveFor(t, version, { externalKey, store: newStore() }, handler);
        const client = new Visitor(app.url);
        const first = await client.get('/count');
        const id = first.headers.get('x-session');
        assert.deepEqual(first.setCookies, []);
        assert.deepEqual((await client.get('/count', { 'x-session': id })).body, { views: 2 });
        assert.equal((await table.get(id)).session.M.views.N, '2');
      });

      it('genid and koa-session\'s prefix name the items', async (t) => {
        const own = unique('own');
        const named = await serveFor(t, version, { genid: () => own, store: newStore() }, handler);
        await new Visitor(named.url).get('/count');
        assert.ok(await table.get(own));

        const prefixed = await serveFor(t, version, { prefix: 'koa:', store: newStore() }, handler);
        const visitor = new Visitor(prefixed.url);
        await visitor.get('/count');
        assert.match(visitor.sessionId, /^koa:[0-9a-f-]{36}$/);
        assert.ok(await table.get(visitor.sessionId));
      });

      it("the store's prefix is in the table, not in the cookie", async (t) => {
        const app = await serveFor(t, version, { store: newStore({ prefix: 'app1:' }) }, handler);
        const visitor = new Visitor(app.url);
        await visitor.get('/count');
        const id = visitor.sessionId;
        assert.doesNotMatch(id, /app1/);
        assert.ok(await table.get(`app1:${id}`));
        assert.equal(await table.get(id), undefined);
        assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
        // Another app on the table has other sessions.
        const other = await serveFor(t, version, { store: newStore({ prefix: 'app2:' }) }, handler);
        assert.deepEqual((await new Visitor(other.url, { 'koa.sess': id }).get('/')).body.session, {});
        await visitor.get('/sign-out');
        assertDeleted(await table.get(`app1:${id}`));
      });

      it('hashKey and ttlKey name the attributes', async (t) => {
        const name = unique('named');
        const own = rawTable(engine.endpoint, name, 'sid');
        await own.create();
        const store = new DynamoDBStore(local(engine.endpoint, name, { table: { hashKey: 'sid', ttlKey: 'until' } }));
        const app = await serveFor(t, version, { store }, handler);
        const visitor = new Visitor(app.url);
        await visitor.get('/count');
        assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
        const item = await own.get(visitor.sessionId);
        assert.deepEqual(Object.keys(item).sort(), ['created', 'rev', 'session', 'sid', 'until']);
      });

      it('autoCommit false: saved when the application says so', async (t) => {
        const app = await serveFor(t, version, { autoCommit: false, store: newStore() }, async (ctx) => {
          ctx.session.views = (ctx.session.views || 0) + 1;
          if (ctx.path === '/commit') await ctx.session.manuallyCommit();
          if (ctx.path === '/save') await ctx.session.save();
          return { views: ctx.session.views };
        });
        const visitor = new Visitor(app.url);
        await visitor.get('/');
        assert.equal(visitor.sessionId, undefined);
        await visitor.get('/commit');
        assert.equal((await table.get(visitor.sessionId)).session.M.views.N, '1');
        await visitor.get('/save');
        assert.equal((await table.get(visitor.sessionId)).session.M.views.N, '2');
        assert.deepEqual((await visitor.get('/')).body, { views: 3 });
        assert.deepEqual((await visitor.get('/')).body, { views: 3 });
      });

      it('beforeSave can still change what is saved, valid can refuse what was', async (t) => {
        const options = {
          store: newStore(),
          beforeSave: (ctx) => { ctx.session.savedBy = 'the hook'; },
          valid: (ctx, session) => session.user !== 'Mallory',
        };
        const app = await serveFor(t, version, options, handler);
        const visitor = new Visitor(app.url);
        await visitor.get('/sign-in?name=Ada');
        assert.deepEqual((await visitor.get('/')).body.session, { user: 'Ada', savedBy: 'the hook' });
        await visitor.get('/sign-in?name=Mallory');
        const refused = visitor.sessionId;
        assert.deepEqual((await visitor.get('/')).body.session, {});
        await until('the event', () => app.events.length > 0);
        assert.equal(app.events[0].name, 'session:invalid');
        assert.equal(app.events[0].key, refused);
        assert.equal(app.events[0].value.user, 'Mallory');
      });

      it('ContextStore: a store for each request', async (t) => {
        const contexts = [];
        class ContextStore extends DynamoDBStore {
          constructor(ctx) {
            super(local(engine.endpoint, table.name, { prefix: `${ctx.get('x-tenant')}:` }));
            contexts.push(ctx);
          }
        }
        const app = await serveFor(t, version, { ContextStore }, handler);
        const visitor = new Visitor(app.url);
        await visitor.get('/count', { 'x-tenant': 'a' });
        assert.deepEqual((await visitor.get('/count', { 'x-tenant': 'a' })).body, { views: 2 });
        assert.deepEqual((await visitor.get('/', { 'x-tenant': 'b' })).body.session, {});
        assert.equal(contexts.length, 3);
        assert.equal(new Set(contexts).size, 3);
      });

      it('a session nothing was written to is not stored; destroying it is no error', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const visitor = new Visitor(app.url);
        await visitor.get('/');
        assert.equal(visitor.sessionId, undefined);
        assert.equal((await visitor.get('/sign-out')).status, 200);
        assert.deepEqual(app.errors, []);
      });

      it('a field named like something of koa-session or of Object does no harm', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, (ctx) => {
          if (ctx.path === '/write') {
            Object.defineProperty(ctx.session, '__proto__', { value: { admin: true }, enumerable: true });
            ctx.session.constructor = 'x';
            ctx.session.wrapperName = 'Set';
          }
          return { session: ctx.session, admin: ctx.session.admin || false };
        });
        const visitor = new Visitor(app.url);
        assert.equal((await visitor.get('/write')).status, 200);
        const { status, body } = await visitor.get('/read');
        assert.equal(status, 200);
        assert.deepEqual(body, { session: { constructor: 'x', wrapperName: 'Set' }, admin: false });
        // A row that names a prototype does not give the session one, with a Buffer beside it neither.
        for (const bytes of ['', ',"bytes":{"B":"AQ=="}']) {
          const id = unique('proto');
          const fields = JSON.parse(`{"user":{"S":"Ada"},"__proto__":{"M":{"admin":{"BOOL":true}}}${bytes}}`);
          await table.putSession(id, { M: fields });
          const poisoned = await new Visitor(app.url, { 'koa.sess': id }).get('/read');
          assert.equal(poisoned.status, 200);
          assert.deepEqual(Object.keys(poisoned.body.session).sort(), bytes ? ['bytes', 'user'] : ['user']);
          assert.equal(poisoned.body.admin, false);
        }
      });
    });
  });

  describe('ContextStore', () => {
    it('stores made for each request are cheap: they share connections', async (t) => {
      const count = 200;
      recorder.reset();
      class ContextStore extends DynamoDBStore {
        constructor() {
          super(local(recorder.endpoint, table.name));
        }
      }
      const app = await serveFor(t, VERSIONS[0], { ContextStore }, handler);
      const visitor = new Visitor(app.url);
      await visitor.get('/count');
      recorder.reset();
      for (let i = 0; i < count; i += 1) await visitor.get('/');
      assert.equal(recorder.calls.length, count);
      assert.ok(recorder.connections() <= 3, `${recorder.connections()} connections for ${count} requests one by one`);
    });
  });
};
