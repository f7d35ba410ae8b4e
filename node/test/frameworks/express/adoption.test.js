'use strict';

// In place of connect-dynamodb and dynamodb-store, as published: each on one table with this package.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const connectDynamoDB = require('connect-dynamodb/package.json');
const connectDynamoDB2 = require('connect-dynamodb-2/package.json');
const dynamodbStore = require('dynamodb-store/package.json');
const { Cookie } = require('express-session');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../../support/engine');
const express = require('../../support/express');
const fastify = require('../../support/fastify');
const Gate = require('../../support/gate');
const { local, localAlone, unique } = require('../../support/options');
const peers = require('../../support/peers');
const { rawTable } = require('../../support/raw');
const call = require('../../support/session-call');
const { assertDeleted } = require('../../support/tombstone');
const { assertLives } = require('../../support/trace');
const Visitor = require('../../support/visitor');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 86400 * SECOND;
const engine = useEngine();

const tables = {};
before(async () => {
  await engine.started;
  for (const { layout, hashKey } of [peers['connect-dynamodb 3'], peers['dynamodb-store']]) {
    tables[layout] = rawTable(engine.endpoint, unique(layout), hashKey);
    await tables[layout].create();
  }
});

const newPeer = (name, framework = express) => {
  const { open, layout } = peers[name];
  return open(framework, engine.endpoint, tables[layout].name);
};
const newStore = (layout, more) => new DynamoDBStore(local(engine.endpoint, tables[layout].name, { layout, ...more }));

// With express-session's own cookie, as stores get it.
const withCookie = (fields, maxAge = MINUTE) => ({ cookie: new Cookie({ maxAge }), ...fields });

const inSeconds = (ms) => ({ N: String(Math.ceil((Date.now() + ms) / SECOND)) });

// A session that this package deleted, and a process that still runs the other package.
Object.entries(peers).forEach(([name, { layout }]) => {
  [express, fastify].forEach((framework) => {
    it(`${name} with ${framework.name} finds no session in a tombstone`, async (t) => {
      const table = tables[layout];
      const id = unique('gone');
      const store = newStore(layout);
      await store.set(id, withCookie({ user: 'Ada' }));
      await store.destroy(id);
      const left = await table.get(`sess:${id}`);
      assertDeleted(left);
      const options = { cookie: { maxAge: MINUTE } };
      const app = await framework.serveFor(t, newPeer(name, framework), options, ({ session }) => {
        const { user = null } = session;
        session.views = 1; // eslint-disable-line no-param-reassign
        return { user };
      });
      const visitor = new Visitor(app.url, framework.cookies(id));
      assert.deepEqual((await visitor.get()).body, { user: null });
      assert.notEqual(framework.idOf(visitor), id);
      assert.deepEqual(await table.get(`sess:${id}`), left);
      assert.deepEqual(app.errors, []);
    });
  });
});

it('the packages are the published ones', () => {
  assert.deepEqual([connectDynamoDB.name, connectDynamoDB.version], ['connect-dynamodb', '3.0.5']);
  assert.deepEqual([connectDynamoDB2.name, connectDynamoDB2.version], ['connect-dynamodb', '2.0.6']);
  assert.deepEqual([dynamodbStore.name, dynamodbStore.version], ['dynamodb-store', '1.2.0']);
});

const SESSIONS = {
  empty: {},
  flat: {
    user: 'Ada', views: 1, admin: true, none: null,
  },
  nested: { cart: { items: [{ id: 1, price: 9.99 }, { id: 2, tags: ['a', ''] }] }, passport: { user: 'ada' } },
  unicode: { text: 'é漢😀\u2028\u0000"\\', 漢字: 'x' },
  numbers: { list: [0, -1, 1.5, 0.1 + 0.2, 1e21, 1e-7, 2 ** 53, 1e300, NaN] },
  dates: { at: new Date(0) },
  'what JSON leaves out': { none: undefined, list: [undefined], run() {} },
  'what JSON changes': { bytes: Buffer.from('abc'), set: new Set([1]), map: new Map([[1, 2]]) },
  'lone surrogates': { text: 'a\ud800b' },
  'an empty name': { '': 1, deep: { '': 2 } },
  deep: { tree: JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) },
  large: { text: 'x'.repeat(300000) },
};

describe("layout: 'connect-dynamodb'", () => {
  let table;
  const layout = 'connect-dynamodb';
  before(() => { table = tables[layout]; });

  ['connect-dynamodb 2', 'connect-dynamodb 3'].forEach((name) => {
    describe(name, () => {
      Object.entries(SESSIONS).forEach(([kind, fields]) => {
        it(`${kind}: each reads what the other wrote`, async () => {
          const [peer, store] = [newPeer(name), newStore(layout)];
          const [theirs, ours] = [unique('theirs'), unique('ours')];
          const session = withCookie(fields);
          await call(peer, 'set', theirs, session);
          await store.set(ours, session);
          const expected = JSON.parse(JSON.stringify(session));
          for (const id of [theirs, ours]) {
            assert.deepEqual(await call(peer, 'get', id), expected);
            assert.deepEqual(await store.get(id), expected);
          }
          // And the rows are the same, but for `created`, `rev` and the rounding of `expires`.
          const [{ created, rev, ...mine }, other] = [await table.get(`sess:${ours}`), await table.get(`sess:${theirs}`)];
          assert.match(created.N, /^\d{13}$/);
          assert.equal(Buffer.from(rev.B, 'base64').length, 8);
          assert.deepEqual(mine, { ...other, id: mine.id, expires: mine.expires });
          assert.ok(Math.abs(mine.expires.N - other.expires.N) <= 2);
        });
      });

      it('each destroys what the other wrote', async () => {
        const [peer, store] = [newPeer(name), newStore(layout)];
        const [theirs, ours] = [unique('theirs'), unique('ours')];
        await call(peer, 'set', theirs, withCookie({}));
        await store.set(ours, withCookie({}));
        await store.destroy(theirs);
        await call(peer, 'destroy', ours);
        assertDeleted(await table.get(`sess:${theirs}`));
        assert.deepEqual(await table.get(`sess:${ours}`), undefined);
      });

      it('each honours when the other says that a session ends', async () => {
        const [peer, store] = [newPeer(name), newStore(layout)];
        const [theirs, ours] = [unique('theirs'), unique('ours')];
        const from = Date.now();
        await call(peer, 'set', theirs, withCookie({}, MINUTE));
        await call(peer, 'touch', theirs, withCookie({}, 10 * MINUTE));
        await store.set(ours, withCookie({}, MINUTE));
        await store.touch(ours, withCookie({}, 10 * MINUTE));
        assert.ok(Math.abs((await table.get(`sess:${theirs}`)).expires.N - from / SECOND - 600) < 3);
        assertLives(await table.get(`sess:${ours}`), from, Date.now(), 10 * MINUTE);
        assert.ok(await store.get(theirs));
        assert.ok(await call(peer, 'get', ours));

        await call(peer, 'set', theirs, withCookie({}, -SECOND));
        await store.set(ours, withCookie({}, -SECOND));
        assert.equal(await store.get(theirs), undefined);
        assert.equal(await call(peer, 'get', ours), null);
      });

      it('sessions without an end live a day in both', async () => {
        const [peer, store] = [newPeer(name), newStore(layout)];
        const [theirs, ours] = [unique('theirs'), unique('ours')];
        await call(peer, 'set', theirs, { cookie: new Cookie() });
        await store.set(ours, { cookie: new Cookie() });
        for (const id of [theirs, ours]) {
          const { expires } = await table.get(`sess:${id}`);
          assert.ok(Math.abs(expires.N - (Date.now() + DAY) / SECOND) < 3);
          assert.deepEqual(await call(peer, 'get', id), await store.get(id));
        }
      });

      it('what it leaves behind when it touches a session that has gone is a miss, and nothing is added to it', async (t) => {
        const [peer, store] = [newPeer(name), newStore(layout)];
        const id = unique('ghost');
        await call(peer, 'touch', id, withCookie({}));
        const ghost = await table.get(`sess:${id}`);
        assert.deepEqual(Object.keys(ghost).sort(), ['expires', 'id']);
        assert.equal(await store.get(id), undefined);
        const app = await express.serveFor(t, store, {}, (request) => { request.session.user = 'Ada'; });
        const visitor = new Visitor(app.url, express.cookies(id));
        assert.equal((await visitor.get()).status, 200);
        assert.notEqual(express.idOf(visitor), id);
        assert.deepEqual(await table.get(`sess:${id}`), ghost);
      });

      [express, fastify].forEach((framework) => {
        it(`${framework.name}: upgrading and rolling back, visitors notice nothing`, async (t) => {
          const [old, current] = await Promise.all([newPeer(name, framework), newStore(layout)].map((store) => (
            framework.serveFor(t, store, { cookie: { maxAge: MINUTE } }, (request, path) => {
              if (path === '/views') request.session.views = (request.session.views ?? 0) + 1;
              request.session.first ??= 'then';
              return { views: request.session.views, first: request.session.first };
            }))));
          const visitor = new Visitor(old.url);
          let views = 0;
          for (const app of [old, old, current, current, old, old, current, old]) {
            visitor.url = app.url;
            views += 1;
            assert.deepEqual((await visitor.get('/views')).body, { views, first: 'then' });
            // A view that changes nothing.
            assert.deepEqual((await visitor.get('/')).body, { views, first: 'then' });
          }
          assert.deepEqual([...old.errors, ...current.errors], []);
        });
      });
    });
  });

  const COOKIE = '{"originalMaxAge":60000,"expires":"2099-01-01T00:00:00.000Z","httpOnly":true,"path":"/"}';
  const row = (id, more) => ({
    id: { S: `sess:${id}` }, expires: inSeconds(MINUTE), type: { S: 'connect-session' }, ...more,
  });

  const ROWS = {
    'a fraction of a second ahead': [{ expires: { N: `${Date.now() / SECOND + 60}` } }, true],
    'a fraction of a second gone': [{ expires: { N: `${Date.now() / SECOND - 60}` } }, false],
    'milliseconds, as before 1.0.12, ahead': [{ expires: { N: `${Date.now() + MINUTE}` } }, true],
    'milliseconds, as before 1.0.12, gone': [{ expires: { N: `${Date.now() - MINUTE}` } }, false],
    'no expires': [{ expires: undefined }, true],
    'white space around the text': [{ sess: { S: ` {"cookie":${COOKIE}, "a":1}\n` } }, true],
    'a ghost: no sess': [{ sess: undefined }, false],
    'an empty sess': [{ sess: { S: '' } }, false],
    'a sess that is no JSON': [{ sess: { S: '{"cookie":' } }, false],
    'a sess that is a list': [{ sess: { S: '[]' } }, false],
    'a sess that is null': [{ sess: { S: 'null' } }, false],
    'a sess that is a map': [{ sess: { M: { cookie: { M: {} }, a: { N: '1' } } } }, false],
    'no cookie': [{ sess: { S: '{"a":1}' } }, false],
    'a cookie that is not an object': [{ sess: { S: '{"a":1,"cookie":"x"}' } }, false],
    "a session in this package's own layout": [{ sess: undefined, session: { M: { cookie: { M: {} } } } }, false],
  };
  Object.entries(ROWS).forEach(([name, [more, lives]]) => {
    it(`${name}: ${lives ? 'a session' : 'a miss'}`, async (t) => {
      const id = unique('row');
      const item = { ...row(id), sess: { S: `{"cookie":${COOKIE},"a":1}` }, ...more };
      await table.put(Object.fromEntries(Object.entries(item).filter(([, value]) => value)));
      for (const framework of [express, fastify]) {
        const app = await framework.serveFor(t, newStore(layout), {}, ({ session }) => ({ a: session.a }));
        const { status, body } = await new Visitor(app.url, framework.cookies(id)).get();
        assert.equal(status, 200);
        assert.deepEqual(body, lives ? { a: 1 } : {});
        assert.deepEqual(app.errors, []);
      }
    });
  });

  it('a row is a text: nothing in it sets a prototype', async (t) => {
    for (const framework of [express, fastify]) {
      const id = unique('proto');
      await table.put({ ...row(id), sess: { S: `{"cookie":${COOKIE},"__proto__":{"admin":true},"a":1}` } });
      const seen = ({ session }) => ({ a: session.a, admin: session.admin });
      const app = await framework.serveFor(t, newStore(layout), {}, seen);
      assert.deepEqual((await new Visitor(app.url, framework.cookies(id)).get()).body, { a: 1 });
    }
  });

  it('attributes beside the session stay: `specialKeys`, which queries may be made by', async (t) => {
    const id = unique('special');
    await table.put({ ...row(id), sess: { S: `{"cookie":${COOKIE},"userId":"ada"}` }, userId: { S: 'ada' } });
    const app = await express.serveFor(t, newStore(layout), {}, (request) => { request.session.views = 1; });
    await new Visitor(app.url, express.cookies(id)).get();
    const item = await table.get(`sess:${id}`);
    assert.deepEqual(item.userId, { S: 'ada' });
    assert.equal(JSON.parse(item.sess.S).views, 1);
  });

  it('what cannot be written says where', async () => {
    const store = newStore(layout);
    await assert.rejects(store.set('x', withCookie({ cart: { n: 1n } })), { code: 'InvalidSessionError', message: /cart\.n/ });
    const user = {};
    user.self = user;
    await assert.rejects(store.set('x', withCookie({ user })), { code: 'InvalidSessionError', message: /user\.self/ });
    await assert.rejects(store.set('x', withCookie({ text: 'x'.repeat(409600) })), { code: 'ItemTooLargeError' });
  });

  it('names and prefix can be others', async () => {
    const name = unique('named');
    const own = rawTable(engine.endpoint, name, 'sid');
    await own.create();
    const store = new DynamoDBStore(local(engine.endpoint, name, {
      layout, prefix: 'app:', table: { hashKey: 'sid', ttlKey: 'until' },
    }));
    await store.set('x', withCookie({ a: 1 }));
    assert.deepEqual(Object.keys(await own.get('app:x')).sort(), ['created', 'rev', 'sess', 'sid', 'type', 'until']);
    assert.equal((await store.get('x')).a, 1);
  });
});

describe("layout: 'dynamodb-store'", () => {
  let table;
  const layout = 'dynamodb-store';
  before(() => { table = tables[layout]; });

  const theirs = async (fields, cookie = new Cookie({ maxAge: MINUTE })) => {
    const id = unique('theirs');
    await call(newPeer('dynamodb-store'), 'set', id, { cookie, ...fields });
    return id;
  };
  const isTheirs = (item) => item.sess !== undefined && item.session === undefined;

  const FIELDS = {
    empty: {},
    flat: {
      user: 'Ada', views: 1, admin: true, none: null,
    },
    nested: { cart: { items: [{ id: 1, price: 9.99 }] } },
    binary: { bytes: Buffer.from([0, 255]) },
    'dates, which are lost': { at: new Date(0) },
  };
  Object.entries(FIELDS).forEach(([kind, fields]) => {
    it(`${kind}: read as it is, with the cookie made anew`, async () => {
      const id = await theirs(fields);
      const item = await table.get(`sess:${id}`);
      assert.ok(isTheirs(item));
      const { cookie, updated, ...read } = await call(newPeer('dynamodb-store'), 'get', id);
      assert.equal(typeof updated, 'number');
      assert.deepEqual(cookie.expires, {}, 'what makes the row useless to its own package');
      assert.deepEqual(await newStore(layout).get(id), {
        ...read,
        cookie: {
          originalMaxAge: cookie.originalMaxAge,
          expires: new Date(item.expires.N * SECOND).toISOString(),
          path: '/',
          httpOnly: true,
        },
      });
      // Reading changes nothing.
      assert.deepEqual(await table.get(`sess:${id}`), item);
    });
  });

  it('all settings of the cookie', async () => {
    const settings = {
      path: '/app', httpOnly: false, secure: true, domain: 'example.org', sameSite: 'lax', priority: 'high', partitioned: true,
    };
    const written = new Cookie({ ...settings, maxAge: MINUTE });
    const { cookie: { expires, ...cookie } } = await newStore(layout).get(await theirs({}, written));
    assert.deepEqual(cookie, { ...settings, originalMaxAge: written.originalMaxAge });
  });

  it('a session that ends with the browser does so still', async () => {
    const id = await theirs({}, new Cookie());
    const { cookie } = await newStore(layout).get(id);
    assert.deepEqual([cookie.expires, cookie.originalMaxAge], [null, null]);
  });

  it('what has expired is a miss', async () => {
    const id = await theirs({}, new Cookie({ maxAge: -2 * SECOND }));
    assert.ok(isTheirs(await table.get(`sess:${id}`)));
    assert.equal(await newStore(layout).get(id), undefined);
  });

  [express, fastify].forEach((framework) => {
    describe(framework.name, () => {
      const views = (request, path) => {
        if (path === '/views') request.session.views = (request.session.views ?? 0) + 1;
        return { views: request.session.views, user: request.session.user };
      };

      it('the visitor stays signed in, and the row is rewritten when it is saved', async (t) => {
        const id = await theirs({ user: 'Ada', views: 1, bytes: Buffer.from('a') });
        const options = { cookie: { maxAge: MINUTE }, rolling: false };
        const app = await framework.serveFor(t, newStore(layout), options, views);
        const visitor = new Visitor(app.url, framework.cookies(id));
        const from = Date.now();
        assert.deepEqual((await visitor.get('/views')).body, { views: 2, user: 'Ada' });
        const item = await table.get(`sess:${id}`);
        assertLives(item, from, Date.now(), MINUTE);
        assert.deepEqual(Object.keys(item).sort(), ['created', 'expires', 'rev', 'session', 'sessionId']);
        const { cookie, ...fields } = item.session.M;
        assert.deepEqual(fields, { user: { S: 'Ada' }, views: { N: '2' }, bytes: { B: 'YQ==' } });
        assert.ok(MINUTE - cookie.M.originalMaxAge.N < 10);
        assert.match(cookie.M.expires.S, /^\d{4}-/);
        assert.deepEqual((await visitor.get('/views')).body, { views: 3, user: 'Ada' });
        assert.deepEqual(app.errors, []);
      });

      it('a view that changes nothing keeps the session, and its data', async (t) => {
        const id = await theirs({ user: 'Ada', views: 1 });
        const app = await framework.serveFor(t, newStore(layout), { cookie: { maxAge: 10 * MINUTE } }, views);
        const visitor = new Visitor(app.url, framework.cookies(id));
        for (const time of [1, 2, 3]) {
          assert.deepEqual((await visitor.get('/')).body, { views: 1, user: 'Ada' }, `${time}`);
        }
        assert.deepEqual((await visitor.get('/views')).body, { views: 2, user: 'Ada' });
        assert.deepEqual(app.errors, []);
      });

      it('requests in parallel keep each other\'s changes, from the first one that rewrites the row', async (t) => {
        const id = await theirs({ user: 'Ada', flash: 'hello' });
        const changes = [
          (session) => { session.a = 1; }, // eslint-disable-line no-param-reassign
          () => {},
          (session) => { delete session.flash; }, // eslint-disable-line no-param-reassign
          (session) => { session.b = 2; }, // eslint-disable-line no-param-reassign
        ];
        const gates = changes.map(() => new Gate());
        const app = await framework.serveFor(t, newStore(layout), {}, async ({ query, session }) => {
          await gates[query.request].pass();
          changes[query.request](session);
        });
        const answers = changes.map((_, index) => new Visitor(app.url, framework.cookies(id)).get(`/?request=${index}`));
        await Promise.all(gates.map((gate) => gate.arrived()));
        for (const [index, gate] of gates.entries()) {
          gate.open();
          assert.equal((await answers[index]).status, 200);
        }
        const item = await table.get(`sess:${id}`);
        const { cookie, ...fields } = item.session.M;
        assert.deepEqual(fields, { user: { S: 'Ada' }, a: { N: '1' }, b: { N: '2' } });
        assert.equal(item.sess, undefined);
        assert.deepEqual(app.errors, []);
      });

      it('who signed out stays so, and a request that comes late adds nothing', async (t) => {
        const id = await theirs({ user: 'Ada' });
        const store = new DynamoDBStore(localAlone(engine.endpoint, table.name, { layout }));
        const app = await framework.serveFor(t, store, {}, async (request) => {
          await store.destroy(id);
          request.session.views = 1;
        });
        await new Visitor(app.url, framework.cookies(id)).get();
        assertDeleted(await table.get(`sess:${id}`));
        assert.equal(store.stats().conflicts, 1);
      });
    });
  });

  it('new sessions are in the layout of this package', async () => {
    const id = unique('new');
    await newStore(layout).set(id, withCookie({ a: 1 }));
    const item = await table.get(`sess:${id}`);
    assert.deepEqual(Object.keys(item).sort(), ['created', 'expires', 'rev', 'session', 'sessionId']);
  });

  it('destroy, and items that are no sessions', async () => {
    const store = newStore(layout);
    const id = await theirs({});
    await store.destroy(id);
    assertDeleted(await table.get(`sess:${id}`));
    const rows = {
      none: {}, text: { sess: { S: 'x' } }, 'no cookie': { sess: { M: { a: { N: '1' } } } }, 'no map': { sess: { M: { cookie: { S: 'x' } } } },
    };
    for (const [name, more] of Object.entries(rows)) {
      const row = unique('row');
      await table.put({ sessionId: { S: `sess:${row}` }, expires: inSeconds(MINUTE), ...more });
      assert.equal(await store.get(row), undefined, name);
    }
  });
});
