'use strict';

// What a visitor sees of their session, from sign-in to sign-out. The tests of both frameworks.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../../support/engine');
const { local, localAlone, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { failure, useRecorder } = require('../../support/recorder');
const call = require('../../support/session-call');
const useTable = require('../../support/table');
const { assertDeleted } = require('../../support/tombstone');
const { assertLives, attribute } = require('../../support/trace');
const Visitor = require('../../support/visitor');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 86400 * SECOND;

module.exports = function testSessions(framework) {
  const engine = useEngine();
  const recorder = useRecorder(engine);
  const table = useTable(engine, 'sessions');

  const newStore = (more) => new DynamoDBStore(local(engine.endpoint, table.name, more));

  // An app with the routes the tests need.
  const routes = {
    '/': ({ session }) => ({ id: framework.idIn(session), views: session.views, user: session.user }),
    '/count': (request) => {
      request.session.views = (request.session.views ?? 0) + 1;
      return { views: request.session.views };
    },
    '/sign-in': async (request) => {
      await call(request.session, 'regenerate');
      request.session.user = request.query.name;
    },
    '/sign-out': ({ session }) => call(session, 'destroy'),
  };
  const handler = (request, path) => routes[path](request);
  const serve = (t, store, options = {}) => framework.serveFor(t, store, options, handler);

  const cookie = (ms = MINUTE) => ({
    originalMaxAge: ms, expires: new Date(Date.now() + ms).toISOString(), httpOnly: true, path: '/',
  });
  const stored = async (fields, more) => {
    const id = unique('id');
    await table.putSession(id, attribute({ cookie: cookie(), ...fields }), more);
    return id;
  };
  const visit = (app, id) => new Visitor(app.url, framework.cookies(id)).get();

  it('counts views, signs in, signs out', async (t) => {
    const app = await serve(t, newStore());
    const visitor = new Visitor(app.url);
    assert.deepEqual((await visitor.get('/count')).body, { views: 1 });
    assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
    const first = framework.idOf(visitor);
    assert.ok(await table.get(first));

    await visitor.get('/sign-in?name=Ada');
    const second = framework.idOf(visitor);
    assert.notEqual(second, first);
    assertDeleted(await table.get(first));
    assert.deepEqual((await visitor.get('/')).body, { id: second, user: 'Ada' });

    await visitor.get('/sign-out');
    assertDeleted(await table.get(second));
    // A visitor who kept the cookies is signed out too.
    const { body } = await visit(app, second);
    assert.equal(body.user, undefined);
    assert.notEqual(body.id, second);
    assert.deepEqual(app.errors, []);
  });

  it('sessions are those of the Koa store', async (t) => {
    const koa = new KoaStore(local(engine.endpoint, table.name));
    const app = await serve(t, newStore());
    const visitor = new Visitor(app.url);
    await visitor.get('/count');
    const id = framework.idOf(visitor);
    const session = await koa.get(id);
    assert.equal(session.views, 1);
    await koa.set(id, { ...session, views: 7 }, MINUTE);
    assert.deepEqual((await visitor.get('/count')).body, { views: 8 });
  });

  it('dates come back as text, buffers as buffers', async (t) => {
    let seen;
    const app = await framework.serveFor(t, newStore(), {}, (request, path) => {
      if (path === '/read') {
        const { at, bytes, when } = request.session;
        seen = { at, bytes, when };
      } else {
        Object.assign(request.session, {
          at: new Date(0), bytes: Buffer.from([0, 1, 255]), when: { it: new Date(5) },
        });
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
    const app = await serve(t, newStore());
    const id = await stored({ user: 'Ada' }, { expires: { N: String(Math.floor(Date.now() / SECOND) - 1) } });
    const { body } = await visit(app, id);
    assert.equal(body.user, undefined);
    assert.notEqual(body.id, id);
  });

  describe('rows that hold no session are misses', () => {
    const COOKIE = attribute({ originalMaxAge: null, expires: null, path: '/' });
    const ROWS = {
      'no session at all': undefined,
      text: { S: 'text' },
      number: { N: '5' },
      null: { NULL: true },
      list: { L: [] },
      'no cookie': { M: { user: { S: 'Ada' } } },
      "koa-session's": { M: { user: { S: 'Ada' }, _expire: { N: String(Date.now() + DAY) }, _maxAge: { N: '1' } } },
      'a cookie that is text': { M: { user: { S: 'Ada' }, cookie: { S: 'x' } } },
      'a cookie that is null': { M: { user: { S: 'Ada' }, cookie: { NULL: true } } },
      'beside the session': { M: {} },
    };
    Object.entries(ROWS).forEach(([name, session]) => {
      it(name, async (t) => {
        const app = await serve(t, newStore());
        const id = unique('row');
        await table.putSession(id, session, { user: { S: 'Ada' }, cookie: COOKIE });
        const row = await table.get(id);
        const { status, body } = await visit(app, id);
        assert.equal(status, 200);
        assert.equal(body.user, undefined);
        assert.notEqual(body.id, id);
        assert.deepEqual(await table.get(id), row);
        assert.deepEqual(app.errors, []);
      });
    });
  });

  it('a row with an empty cookie is a session', async (t) => {
    const app = await serve(t, newStore());
    const id = unique('id');
    await table.putSession(id, { M: { cookie: { M: {} }, user: { S: 'Ada' } } });
    assert.deepEqual((await visit(app, id)).body, { id, user: 'Ada' });
  });

  it('nothing in a row sets a prototype or replaces a method', async (t) => {
    const own = Object.fromEntries(['toString', 'hasOwnProperty', 'valueOf'].map((name) => [name, { S: 'x' }]));
    const id = unique('proto');
    const field = { M: { admin: { BOOL: true } } };
    await table.putSession(id, {
      M: {
        cookie: attribute(cookie()), ['__proto__']: field, nested: { M: { ['__proto__']: field } }, ...own, // eslint-disable-line no-useless-computed-key
      },
    });
    let prototype;
    const app = await framework.serveFor(t, newStore(), {}, (request) => {
      prototype = Object.getPrototypeOf(request.session);
      request.session.views = 1;
      return { admin: request.session.admin, nested: request.session.nested?.admin };
    });
    const { status, body } = await visit(app, id);
    assert.equal(status, 200);
    assert.deepEqual(body, {});
    assert.deepEqual((await visit(app, id)).body, {});
    assert.equal(typeof prototype.save, 'function');
    assert.deepEqual(app.errors, []);
  });

  it('an item without expiry is live, and gets one when it is saved', async (t) => {
    const app = await serve(t, newStore(), { cookie: { maxAge: MINUTE } });
    const id = unique('eternal');
    await table.put({ sessionId: { S: id }, session: attribute({ cookie: cookie(), views: 1 }) });
    const from = Date.now();
    const visitor = new Visitor(app.url, framework.cookies(id));
    assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
    assertLives(await table.get(id), from, Date.now(), MINUTE);
  });

  it('a cookie that is no possible id is a miss', async (t) => {
    const app = await serve(t, newStore());
    const { status, body } = await visit(app, 'x'.repeat(2049));
    assert.equal(status, 200);
    assert.equal(body.user, undefined);
    assert.deepEqual(app.errors, []);
  });

  it('an id may be any text', async (t) => {
    const app = await serve(t, newStore());
    for (const id of ['漢字', 'a b', '"quoted"', '../../etc', '__proto__']) {
      await newStore().set(id, { cookie: cookie(), user: 'Ada' });
      assert.deepEqual((await visit(app, id)).body, { id, user: 'Ada' });
    }
  });

  it('a session cookie: the item lives a day, or sessionTtl', async (t) => {
    const from = Date.now();
    for (const [more, ms] of [[{}, DAY], [{ sessionTtl: 7 * DAY }, 7 * DAY]]) {
      const app = await serve(t, newStore(more));
      const visitor = new Visitor(app.url);
      const { setCookies: [line] } = await visitor.get('/count');
      assert.doesNotMatch(line, /expires|max-age/i);
      assertLives(await table.get(framework.idOf(visitor)), from, Date.now(), ms);
      assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
    }
  });

  it('maxAge: the cookie and the item expire', async (t) => {
    const app = await serve(t, newStore(), { cookie: { maxAge: MINUTE } });
    const from = Date.now();
    const visitor = new Visitor(app.url);
    const { setCookies: [line] } = await visitor.get('/count');
    const expires = Date.parse(/expires=([^;]+)/i.exec(line)[1]);
    assert.ok(Math.abs(expires - from - MINUTE) < 5 * SECOND);
    assertLives(await table.get(framework.idOf(visitor)), from, Date.now(), MINUTE);
  });

  it('an expiry in the session counts, whatever the options say', async (t) => {
    const app = await framework.serveFor(t, newStore(), { cookie: { maxAge: MINUTE } }, (request) => {
      request.session.cookie.maxAge = 5 * MINUTE;
      request.session.views = 1;
    });
    const from = Date.now();
    const visitor = new Visitor(app.url);
    await visitor.get();
    assertLives(await table.get(framework.idOf(visitor)), from, Date.now(), 5 * MINUTE);
  });

  it('a shorter life is written at once, and a session that has ended is a miss', async (t) => {
    const options = { cookie: { maxAge: MINUTE } };
    const app = await framework.serveFor(t, newStore({ touchAfter: DAY }), options, (request, path) => {
      if (path === '/soon') request.session.cookie.maxAge = 5 * SECOND;
      if (path === '/end') request.session.cookie.maxAge = -5 * SECOND;
      if (path !== '/') request.session.views = 1;
      return { id: framework.idIn(request.session) };
    });
    const id = await stored({ user: 'Ada' });
    const from = Date.now();
    const visitor = new Visitor(app.url, framework.cookies(id));
    await visitor.get('/soon');
    assertLives(await table.get(id), from, Date.now(), 5 * SECOND);
    await visitor.get('/end');
    assert.notEqual((await visit(app, id)).body.id, id);
  });

  it('a view moves the expiry; within touchAfter it costs no write', async (t) => {
    const id = await stored({ user: 'Ada' }, { expires: { N: String(Math.ceil(Date.now() / SECOND) + 30) } });
    const store = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));
    const moving = await serve(t, store(), { cookie: { maxAge: MINUTE } });
    const from = Date.now();
    recorder.reset();
    await visit(moving, id);
    assert.deepEqual(recorder.operations(), ['GetItem', 'UpdateItem']);
    assertLives(await table.get(id), from, Date.now(), MINUTE);

    const patient = store({ touchAfter: 20 * SECOND });
    const resting = await serve(t, patient, { cookie: { maxAge: MINUTE } });
    recorder.reset();
    const item = await table.get(id);
    await visit(resting, id);
    await visit(resting, id);
    assert.deepEqual(recorder.operations(), ['GetItem', 'GetItem']);
    assert.deepEqual(await table.get(id), item);
    assert.equal(patient.stats().skippedTouches, 2);
    // A change is written, whenever it is.
    recorder.reset();
    await new Visitor(resting.url, framework.cookies(id)).get('/count');
    assert.deepEqual(recorder.operations(), ['GetItem', 'UpdateItem']);
    assert.equal((await table.get(id)).session.M.views.N, '1');
  });

  it('absoluteMaxAge: a session ends so long after it began', async (t) => {
    const store = newStore({ absoluteMaxAge: MINUTE });
    const app = await serve(t, store, { cookie: { maxAge: DAY } });
    const visitor = new Visitor(app.url);
    const from = Date.now();
    await visitor.get('/count');
    const id = framework.idOf(visitor);
    assertLives(await table.get(id), from, Date.now(), MINUTE);
    const item = await table.get(id);
    await visitor.get('/count');
    assert.equal((await table.get(id)).expires.N, item.expires.N);
    // As if it had begun longer ago.
    await table.put({ ...item, created: { N: String(from - 2 * MINUTE) } });
    assert.notEqual((await visit(app, id)).body.id, id);
  });

  it("the store's prefix is in the table, not in the cookie", async (t) => {
    const app = await serve(t, newStore({ prefix: 'app1:' }));
    const visitor = new Visitor(app.url);
    await visitor.get('/count');
    const id = framework.idOf(visitor);
    assert.doesNotMatch(id, /app1/);
    assert.ok(await table.get(`app1:${id}`));
    assert.equal(await table.get(id), undefined);
    assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
    // Another app on the table has other sessions.
    const other = await serve(t, newStore({ prefix: 'app2:' }));
    assert.equal((await visit(other, id)).body.views, undefined);
    await visitor.get('/sign-out');
    assertDeleted(await table.get(`app1:${id}`));
  });

  it('hashKey and ttlKey name the attributes', async (t) => {
    const name = unique('named');
    const own = rawTable(engine.endpoint, name, 'sid');
    await own.create();
    const options = local(engine.endpoint, name, { table: { hashKey: 'sid', ttlKey: 'until' } });
    const app = await serve(t, new DynamoDBStore(options));
    const visitor = new Visitor(app.url);
    await visitor.get('/count');
    assert.deepEqual((await visitor.get('/count')).body, { views: 2 });
    const item = await own.get(framework.idOf(visitor));
    assert.deepEqual(Object.keys(item).sort(), ['created', 'rev', 'session', 'sid', 'until']);
  });

  it('an item holds what the framework says of the session in JSON, and nothing of ours', async (t) => {
    let said;
    const app = await framework.serveFor(t, newStore(), { cookie: { maxAge: MINUTE } }, (request, path) => {
      if (path === '/again') request.session.views = 2;
      else Object.assign(request.session, { user: 'Ada', run() {}, none: undefined });
      said = Object.keys(JSON.parse(JSON.stringify(request.session)));
    });
    const visitor = new Visitor(app.url);
    for (const path of ['/', '/again']) {
      await visitor.get(path);
      const item = await table.get(framework.idOf(visitor));
      assert.deepEqual(Object.keys(item.session.M).sort(), said.sort());
    }
  });

  it('100 visitors at once, each with their own session, none mixed up', async (t) => {
    const app = await serve(t, newStore());
    const visitors = Array.from({ length: 100 }, () => new Visitor(app.url));
    for (let views = 1; views <= 3; views += 1) {
      const answers = await Promise.all(visitors.map((visitor) => visitor.get('/count')));
      answers.forEach(({ body }) => assert.deepEqual(body, { views }));
    }
    assert.equal(new Set(visitors.map(framework.idOf)).size, visitors.length);
    assert.deepEqual(app.errors, []);
  });

  it('a throttled or failing request is tried again, visitors notice nothing', async (t) => {
    const app = await serve(t, new DynamoDBStore(local(recorder.endpoint, table.name)));
    const visitor = new Visitor(app.url);
    await visitor.get('/count');
    for (const [operation, type, status] of [
      ['GetItem', 'ProvisionedThroughputExceededException', 400], ['UpdateItem', 'InternalServerError', 500],
    ]) {
      recorder.reset();
      recorder.answer(operation, failure(type, 'boom', status), 2);
      assert.equal((await visitor.get('/count')).status, 200);
      assert.equal(recorder.only(operation).length, 3);
    }
    assert.deepEqual((await visitor.get('/count')).body, { views: 4 });
    assert.deepEqual(app.errors, []);
  });
};
