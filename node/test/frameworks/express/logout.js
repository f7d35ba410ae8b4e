'use strict';

// Logout wins: a session that was destroyed stays so, whatever the requests that had loaded it do afterwards. The
// tests of both frameworks; `scenes` are what the slow request does.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../../support/engine');
const Gate = require('../../support/gate');
const { local, localAlone, unique } = require('../../support/options');
const peers = require('../../support/peers');
const { rawTable } = require('../../support/raw');
const { useDenied, useRecorder } = require('../../support/recorder');
const call = require('../../support/session-call');
const useTable = require('../../support/table');
const { assertDeleted, assertNoSession } = require('../../support/tombstone');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');

const MINUTE = 60000;

// One session, two requests: the slow one has loaded it when the other signs out. With `again`, somebody else signs
// in under the same id before the slow one goes on: `left` is the row as it was then, `item` as it is in the end.
// Each app has a store of its own, because express-session has a store make the new sessions of its last app.
const play = async (t, {
  framework, store, other, table, prefix = '', scene, again = false,
}) => {
  const gate = new Gate();
  const id = unique('id');
  const cookie = { maxAge: MINUTE };
  // Another process, for all the slow one can know.
  const door = await framework.serveFor(t, other, { cookie, ...framework.withIds(() => id) }, async (request, path) => {
    if (path === '/sign-out') await call(request.session, 'destroy');
    else if (path === '/sign-in') Object.assign(request.session, { user: request.query.name, views: 1 });
    return { user: request.session?.user };
  });
  const app = await framework.serveFor(t, store, { cookie, ...scene.options }, async (request) => {
    await gate.pass();
    await scene.leave(request);
  });

  const visitor = new Visitor(door.url);
  await visitor.get('/sign-in?name=Ada');
  assert.equal(framework.idOf(visitor), id);
  const slow = new Visitor(app.url, framework.cookies(id)).get();
  await gate.arrived();
  await visitor.get('/sign-out');
  assertNoSession(await table.get(prefix + id));
  if (again) await new Visitor(door.url).get('/sign-in?name=Grace');
  const left = await table.get(prefix + id);
  gate.open();
  const answer = await slow;
  assert.equal(answer.status, scene.status ?? 200);
  await until('the errors', () => app.errors.length >= (scene.errors ?? []).length);
  assert.deepEqual(app.errors.map(({ message }) => message), scene.errors ?? []);
  assert.deepEqual(door.errors, []);

  const thief = new Visitor(door.url, framework.cookies(id));
  return {
    id, left, item: await table.get(prefix + id), user: (await thief.get('/')).body.user,
  };
};

const assertTold = (conflicts, id) => {
  assert.equal(conflicts.length, 1);
  assert.match(conflicts[0].ref, /^[0-9a-f]{24}$/);
  assert.ok(!JSON.stringify(conflicts).includes(id), 'the id itself is a secret');
};

module.exports = function testLogout(framework, scenes, { ghosts }) {
  const engine = useEngine();
  const denied = useDenied(engine, 'UpdateItem');
  const recorder = useRecorder(engine);
  const table = useTable(engine, 'logout');
  const oldTable = useTable(engine, 'logout-old', 'id');

  const watched = (options) => {
    const store = new DynamoDBStore(options);
    const conflicts = [];
    store.on('conflict', (conflict) => conflicts.push(conflict));
    return { store, other: new DynamoDBStore(options), conflicts };
  };

  // How a store can be made: its options, and where its rows are.
  const KINDS = {
    "conflict: 'merge'": () => ({ options: localAlone(engine.endpoint, table.name), table }),
    "conflict: 'overwrite'": () => ({ options: localAlone(engine.endpoint, table.name, { conflict: 'overwrite' }), table }),
    'UpdateItem is not allowed': () => ({ options: localAlone(denied.endpoint, table.name), table }),
    "layout: 'connect-dynamodb'": () => ({
      options: localAlone(engine.endpoint, oldTable.name, { layout: 'connect-dynamodb' }), table: oldTable, prefix: 'sess:',
    }),
  };

  Object.entries(KINDS).forEach(([kind, make]) => {
    describe(kind, () => {
      Object.entries(scenes).forEach(([name, scene]) => {
        it(`${name}: the session stays away`, async (t) => {
          const { options, ...where } = make();
          const { conflicts, ...stores } = watched(options);
          const { id, item, user } = await play(t, {
            framework, scene, ...stores, ...where,
          });
          assertDeleted(item);
          assert.equal(user, undefined);
          assertTold(conflicts, id);
          assert.equal(stores.store.stats().conflicts, 1);
        });

        if (scene.takesTheNext) return;
        it(`${name}: the next session under the id is left alone`, async (t) => {
          const { options, ...where } = make();
          const { conflicts, ...stores } = watched(options);
          const { id, item, left } = await play(t, {
            framework, scene, again: true, ...stores, ...where,
          });
          assert.deepEqual(item, left);
          assertTold(conflicts, id);
        });
      });

      it('a view that changes nothing does not bring back what expired meanwhile', async (t) => {
        const { options, table: rows, prefix = '' } = make();
        const { store, conflicts } = watched(options);
        const id = unique('id');
        await store.set(id, { cookie: { originalMaxAge: MINUTE, expires: new Date(Date.now() + MINUTE) }, user: 'Ada' });
        const gate = new Gate();
        const app = await framework.serveFor(t, store, { cookie: { maxAge: MINUTE } }, () => gate.pass());
        const slow = new Visitor(app.url, framework.cookies(id)).get();
        await gate.arrived();
        const expired = { ...await rows.get(prefix + id), expires: { N: String(Math.floor(Date.now() / 1000) - 1) } };
        await rows.put(expired);
        gate.open();
        assert.equal((await slow).status, 200);
        assert.deepEqual(await rows.get(prefix + id), expired);
        assertTold(conflicts, id);
      });
    });
  });

  describe('connect-dynamodb 3', () => {
    const { open } = peers['connect-dynamodb 3'];
    Object.entries(scenes).forEach(([name, scene]) => {
      it(`${name}: brings the session back`, async (t) => {
        const [store, other] = [1, 2].map(() => open(framework, engine.endpoint, oldTable.name));
        const { item, user } = await play(t, {
          framework, store, other, table: oldTable, prefix: 'sess:', scene,
        });
        assert.ok(item);
        // What a touch brings back has no session in it.
        if (ghosts.includes(name)) assert.equal(item.sess, undefined);
        else if (scene.keepsUser !== false) assert.equal(user, 'Ada');
      });
    });
  });

  it('dynamodb-store brings the session back', async (t) => {
    const { open } = peers['dynamodb-store'];
    const name = unique('logout-store');
    const theirs = rawTable(engine.endpoint, name);
    await theirs.create();
    const [store, other] = [1, 2].map(() => open(framework, engine.endpoint, name));
    const { item } = await play(t, {
      framework, store, other, table: theirs, prefix: 'sess:', scene: scenes['a change'],
    });
    assert.equal(item.sess.M.user.S, 'Ada');
  });

  it('a request that destroys twice, and saves in between, brings nothing back', async (t) => {
    const store = new DynamoDBStore(local(engine.endpoint, table.name));
    const options = { cookie: { maxAge: MINUTE } };
    const app = await framework.serveFor(t, store, options, async ({ session, sessionStore }, path) => {
      if (path === '/sign-in') Object.assign(session, { user: 'Ada' });
      if (path !== '/sign-out') return;
      const id = framework.idIn(session);
      await call(sessionStore, 'destroy', id);
      await call(session, 'save');
      await call(sessionStore, 'set', id, session);
      await call(session, 'destroy');
      await call(sessionStore, 'set', id, session);
    });
    const visitor = new Visitor(app.url);
    await visitor.get('/sign-in');
    const id = framework.idOf(visitor);
    assert.ok(await table.get(id));
    await visitor.get('/sign-out');
    assertDeleted(await table.get(id));
  });

  it('a session destroyed while it is stored for the first time does not stay', async (t) => {
    recorder.reset();
    const store = new DynamoDBStore(local(recorder.endpoint, table.name));
    const puts = recorder.hold('PutItem');
    let id;
    const app = await framework.serveFor(t, store, {}, async ({ session, sessionStore }) => {
      id = framework.idIn(session);
      session.user = 'Ada'; // eslint-disable-line no-param-reassign
      const saved = call(session, 'save');
      await puts.arrived();
      const destroyed = call(session, 'destroy');
      // Whatever else is asked of the store meanwhile is not kept waiting.
      await call(sessionStore, 'get', id);
      assert.deepEqual(recorder.operations(), ['PutItem', 'GetItem']);
      puts.release();
      await Promise.all([saved, destroyed]);
    });
    await new Visitor(app.url).get();
    assert.deepEqual(app.errors, []);
    assert.deepEqual(recorder.operations(), ['PutItem', 'GetItem', 'GetItem', 'PutItem']);
    assertDeleted(await table.get(id));
  });

  it('regenerate: the old id stays dead, and the new session is not written to', async (t) => {
    const store = new DynamoDBStore(local(engine.endpoint, table.name));
    const gate = new Gate();
    const app = await framework.serveFor(t, store, { cookie: { maxAge: MINUTE } }, async (request, path) => {
      if (path === '/slow') await gate.pass();
      if (path === '/sign-in') {
        await call(request.session, 'regenerate');
        request.session.user = 'Ada';
      } else {
        request.session.views = (request.session.views ?? 0) + 1;
      }
    });
    const visitor = new Visitor(app.url);
    await visitor.get('/');
    const old = framework.idOf(visitor);
    const slow = new Visitor(app.url, framework.cookies(old)).get('/slow');
    await gate.arrived();
    await visitor.get('/sign-in');
    const id = framework.idOf(visitor);
    assert.notEqual(id, old);
    const left = await table.get(id);
    gate.open();
    assert.equal((await slow).status, 200);
    assertDeleted(await table.get(old));
    assert.deepEqual(await table.get(id), left);
    assert.deepEqual(app.errors, []);
  });

  it('after a write that was dropped, later ones of the request are too', async (t) => {
    const { conflicts, ...stores } = watched(localAlone(engine.endpoint, table.name));
    const { item } = await play(t, {
      framework,
      ...stores,
      table,
      scene: {
        async leave({ session, sessionStore }) {
          const id = framework.idIn(session);
          session.views = 2; // eslint-disable-line no-param-reassign
          await call(session, 'save');
          // Another session by now: not this request's.
          await call(sessionStore, 'set', id, { cookie: { originalMaxAge: MINUTE }, user: 'Grace' });
          await call(session, 'save');
        },
      },
    });
    assert.ok(item);
    assert.equal(item.session.M.user.S, 'Grace');
    assert.equal(item.session.M.views, undefined);
    assert.equal(conflicts.length, 1);
  });
};
