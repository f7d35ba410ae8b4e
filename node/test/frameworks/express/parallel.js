'use strict';

// Requests that run in parallel do not overwrite each other: each puts the top-level fields that it changed on the
// session that it meets. The tests of both frameworks.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../../support/engine');
const Gate = require('../../support/gate');
const { localAlone, unique } = require('../../support/options');
const peers = require('../../support/peers');
const { rawTable } = require('../../support/raw');
const { useRecorder } = require('../../support/recorder');
const call = require('../../support/session-call');
const useTable = require('../../support/table');
const { attribute, soon } = require('../../support/trace');
const Visitor = require('../../support/visitor');

const MINUTE = 60000;
const cookie = () => ({
  originalMaxAge: MINUTE, expires: new Date(Date.now() + MINUTE).toISOString(), httpOnly: true, path: '/',
});

// Requests that have all loaded the session before the first of them goes on. They go on one after the other, in
// their order, so that the outcome is certain whatever the store does: `changes[i](session, request)`.
const inParallel = async (t, {
  framework, store, id, changes, options = {},
}) => {
  const gates = changes.map(() => new Gate());
  const app = await framework.serveFor(t, store, { cookie: { maxAge: MINUTE }, ...options }, async (request) => {
    const index = Number(request.query.request);
    await gates[index].pass();
    await changes[index](request.session, request);
  });
  const answers = changes.map((_, index) => new Visitor(app.url, id && framework.cookies(id)).get(`/?request=${index}`));
  answers.forEach((answer) => answer.catch(() => {})); // what the first of them met is what counts
  await Promise.all(gates.map((gate) => gate.arrived()));
  for (const [index, gate] of gates.entries()) {
    gate.open();
    assert.equal((await answers[index]).status, 200);
  }
  assert.deepEqual(app.errors, []);
};

// The same, all going on at once.
const atOnce = async (t, {
  framework, store, id, changes,
}) => {
  const gate = new Gate();
  const app = await framework.serveFor(t, store, { cookie: { maxAge: MINUTE } }, async (request) => {
    await gate.pass();
    await changes[Number(request.query.request)](request.session);
  });
  const answers = changes.map((_, index) => new Visitor(app.url, framework.cookies(id)).get(`/?request=${index}`));
  await gate.arrived(changes.length);
  gate.open();
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.deepEqual(app.errors, []);
};

/* eslint-disable no-param-reassign -- a session is there to be changed */
const set = (fields) => (session) => { Object.assign(session, fields); };
const remove = (name) => (session) => { delete session[name]; };
/* eslint-enable no-param-reassign */

module.exports = function testParallel(framework) {
  const engine = useEngine();
  const recorder = useRecorder(engine);
  const table = useTable(engine, 'parallel');

  const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));

  const storedSession = async (fields, more) => {
    const id = unique('id');
    await table.putSession(id, attribute({ cookie: cookie(), ...fields }), more);
    return id;
  };

  // What the application keeps.
  const dataOf = async (id) => {
    const { cookie: ignored, ...data } = (await table.get(id)).session.M;
    return data;
  };

  describe('of one session', () => {
    it('different fields all survive, in either order', async (t) => {
      for (const changes of [[set({ a: 1 }), set({ b: 2 })], [set({ b: 2 }), set({ a: 1 })]]) {
        const id = await storedSession({ user: 'Ada' });
        await inParallel(t, {
          framework, store: newStore(), id, changes,
        });
        assert.deepEqual(await dataOf(id), { user: { S: 'Ada' }, a: { N: '1' }, b: { N: '2' } });
      }
    });

    it('what one removed stays away, what another did not touch stays', async (t) => {
      const id = await storedSession({ user: 'Ada', flash: 'hello', kept: true });
      const changes = [remove('flash'), set({ views: 1 }), () => {}];
      await inParallel(t, {
        framework, store: newStore(), id, changes,
      });
      assert.deepEqual(await dataOf(id), { user: { S: 'Ada' }, kept: { BOOL: true }, views: { N: '1' } });
    });

    it('the same field: the last one wins', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      await inParallel(t, {
        framework, store: newStore(), id, changes: [set({ user: 'Grace' }), set({ user: 'Hedy' })],
      });
      assert.deepEqual(await dataOf(id), { user: { S: 'Hedy' } });
    });

    it('an object is one field', async (t) => {
      const id = await storedSession({ cart: { apples: 1 } });
      const changes = [
        (session) => { session.cart.pears = 2; }, // eslint-disable-line no-param-reassign
        (session) => { session.cart.plums = 3; }, // eslint-disable-line no-param-reassign
      ];
      await inParallel(t, {
        framework, store: newStore(), id, changes,
      });
      assert.deepEqual(await dataOf(id), { cart: { M: { apples: { N: '1' }, plums: { N: '3' } } } });
    });

    it('who signs out by a field stays signed out', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      await inParallel(t, {
        framework, store: newStore(), id, changes: [set({ user: null }), set({ views: 1 }), () => {}],
      });
      assert.deepEqual(await dataOf(id), { user: { NULL: true }, views: { N: '1' } });
    });

    it('20 at once', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      const changes = Array.from({ length: 20 }, (_, index) => set({ [`field ${index}`]: index }));
      await atOnce(t, {
        framework, store: newStore(), id, changes,
      });
      const data = await dataOf(id);
      assert.deepEqual(Object.keys(data).length, 21);
      changes.forEach((_, index) => assert.deepEqual(data[`field ${index}`], { N: String(index) }));
    });

    it('saved twice in one request: the second does not undo what came between', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      const store = newStore();
      const between = newStore();
      await inParallel(t, {
        framework,
        store,
        id,
        changes: [async (session) => {
          session.a = 1; // eslint-disable-line no-param-reassign
          await call(session, 'save');
          const other = await between.get(id);
          await between.set(id, Object.assign(other, { b: 2, user: 'Grace' }));
          session.c = 3; // eslint-disable-line no-param-reassign
        }],
      });
      assert.deepEqual(await dataOf(id), {
        user: { S: 'Grace' }, a: { N: '1' }, b: { N: '2' }, c: { N: '3' },
      });
    });

    it('a session that was new a moment ago, saved again', async (t) => {
      const store = newStore();
      let id;
      const app = await framework.serveFor(t, store, { cookie: { maxAge: MINUTE } }, async ({ session }) => {
        id = framework.idIn(session);
        session.a = 1; // eslint-disable-line no-param-reassign
        await call(session, 'save');
        const between = newStore();
        await between.set(id, Object.assign(await between.get(id), { b: 2 }));
        session.c = 3; // eslint-disable-line no-param-reassign
      });
      await new Visitor(app.url).get();
      assert.deepEqual(app.errors, []);
      assert.deepEqual(await dataOf(id), { a: { N: '1' }, b: { N: '2' }, c: { N: '3' } });
      assert.equal(store.stats().unguardedWrites, framework.isNewKnown ? 0 : 1);
    });

    if (framework.isNewKnown) {
      it('two new ones of one id: what both wrote is there', async (t) => {
        const id = unique('id');
        await inParallel(t, {
          framework, store: newStore(), changes: [set({ a: 1 }), set({ b: 2 })], options: framework.withIds(() => id),
        });
        assert.deepEqual(await dataOf(id), { a: { N: '1' }, b: { N: '2' } });
      });

      it('a new one in place of one that a sign-out ended, and the id\'s next one', async (t) => {
        const id = await storedSession({ user: 'Ada' });
        await newStore().destroy(id);
        const store = newStore();
        const visit = (change) => inParallel(t, {
          framework, store, changes: [change], options: framework.withIds(() => id),
        });
        await visit(set({ a: 1 }));
        await newStore().destroy(id);
        await visit(set({ b: 2 }));
        assert.deepEqual(await dataOf(id), { b: { N: '2' } });
        assert.equal(store.stats().unguardedWrites, 0);
      });
    }

    it('a lifetime that another request rounded is no other lifetime: the session is extended', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      const between = newStore();
      const meanwhile = async () => {
        const other = await between.get(id);
        other.cookie.originalMaxAge = MINUTE - 1;
        other.cookie.expires = new Date(Date.now() + MINUTE / 2);
        await between.set(id, other);
      };
      await inParallel(t, {
        framework,
        store: newStore(),
        id,
        changes: [async (session) => {
          await meanwhile();
          session.a = 1; // eslint-disable-line no-param-reassign
        }],
        options: { rolling: true },
      });
      assert.deepEqual(await dataOf(id), { user: { S: 'Ada' }, a: { N: '1' } });
      const { expires } = await table.get(id);
      assert.ok(expires.N * 1000 > Date.now() + MINUTE * 0.75, 'the session is extended');
    });

    it('on a row that others wrote, which says nothing of when it began', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      assert.equal((await table.get(id)).created, undefined);
      const changes = [set({ a: 1 }), set({ b: 2 }), remove('user'), set({ c: 3 })];
      await inParallel(t, {
        framework, store: newStore(), id, changes,
      });
      assert.deepEqual(await dataOf(id), { a: { N: '1' }, b: { N: '2' }, c: { N: '3' } });
      assert.match((await table.get(id)).created.N, /^\d{13}$/);
    });

    it('a request that reloads goes on from what it found', async (t) => {
      const id = await storedSession({ user: 'Ada' });
      await inParallel(t, {
        framework,
        store: newStore(),
        id,
        changes: [set({ user: 'Grace' }), async (session, request) => {
          await call(session, 'reload');
          assert.equal(request.session.user, 'Grace');
          request.session.views = 1;
        }],
      });
      assert.deepEqual(await dataOf(id), { user: { S: 'Grace' }, views: { N: '1' } });
    });

    it("conflict: 'overwrite': the last one wins it all", async (t) => {
      const id = await storedSession({ user: 'Ada' });
      await inParallel(t, {
        framework, store: newStore({ conflict: 'overwrite' }), id, changes: [set({ a: 1 }), set({ b: 2 })],
      });
      assert.deepEqual(await dataOf(id), { user: { S: 'Ada' }, b: { N: '2' } });
    });
  });

  it('a change sends the session as it was loaded with the field that changed, and keeps what was loaded exactly', async (t) => {
    const fields = { user: { name: 'Ada', at: '2026-01-01T00:00:00.000Z', n: 1.5 }, list: [1, 'a', null] };
    const id = await storedSession(fields, soon());
    const item = await table.get(id);
    item.session.M.digits = { N: '12345678901234567890123' };
    await table.put(item);
    recorder.reset();
    await inParallel(t, {
      framework, store: newStore(), id, changes: [set({ views: 1 })],
    });
    assert.deepEqual(recorder.operations(), ['GetItem', 'UpdateItem']);
    const { cookie: ofCookie, ...sent } = recorder.only('UpdateItem')[0].body.ExpressionAttributeValues[':s'].M;
    assert.deepEqual(sent, { ...attribute(fields).M, digits: item.session.M.digits, views: { N: '1' } });
    assert.equal(ofCookie.M.originalMaxAge.N, item.session.M.cookie.M.originalMaxAge.N);
  });

  it('a view that changes nothing sends what says when the session ends, and no other field', async (t) => {
    const id = await storedSession({ user: { name: 'Ada' }, list: [1] }, soon());
    const view = () => inParallel(t, {
      framework, store: newStore(), id, changes: [() => {}], options: { rolling: true },
    });
    // Each framework adds settings of its own to the cookie of the fixture.
    await view();
    const { rev } = await table.get(id);
    recorder.reset();
    await view();
    const [{ body }] = recorder.only('UpdateItem');
    const names = new Set(Object.values(body.ExpressionAttributeNames));
    assert.deepEqual(['user', 'list', 'cookie'].filter((name) => names.has(name)), ['cookie']);
    assert.equal(body.ExpressionAttributeValues[':s'], undefined);
    assert.deepEqual((await table.get(id)).rev, rev, 'no other state');
  });

  it('names that the framework does not carry are not removed', async (t) => {
    const fields = framework.notCarried;
    const id = await storedSession({ ...fields, user: 'Ada' });
    await inParallel(t, {
      framework, store: newStore(), id, changes: [set({ views: 1 })],
    });
    const data = await dataOf(id);
    assert.deepEqual(data, { ...attribute(fields).M, user: { S: 'Ada' }, views: { N: '1' } });
  });

  describe('the stores people use lose updates', () => {
    Object.entries(peers).forEach(([name, { open, hashKey }]) => {
      it(name, async (t) => {
        const tableName = unique('parallel-peer');
        const theirs = rawTable(engine.endpoint, tableName, hashKey);
        await theirs.create();
        const store = open(framework, engine.endpoint, tableName);
        const id = unique('id');
        await call(store, 'set', id, { cookie: { ...cookie(), maxAge: MINUTE }, user: 'Ada' });
        // The row that dynamodb-store writes is one that express-session cannot load before it is mended.
        if (name === 'dynamodb-store') {
          const item = await theirs.get(`sess:${id}`);
          item.sess.M.cookie = attribute(cookie());
          await theirs.put(item);
        }
        await inParallel(t, {
          framework, store, id, changes: [set({ a: 1 }), set({ b: 2 })],
        });
        const { sess } = await theirs.get(`sess:${id}`);
        const { a, b } = sess.S ? JSON.parse(sess.S) : sess.M;
        assert.equal(a, undefined);
        assert.ok(b);
      });
    });

    it("layout: 'connect-dynamodb', where a session is one text, keeps them", async (t) => {
      const tableName = unique('parallel-layout');
      const theirs = rawTable(engine.endpoint, tableName, 'id');
      await theirs.create();
      const store = new DynamoDBStore(localAlone(engine.endpoint, tableName, { layout: 'connect-dynamodb' }));
      const id = unique('id');
      await store.set(id, { cookie: cookie(), user: 'Ada' });
      await inParallel(t, {
        framework, store, id, changes: [set({ a: 1 }), set({ b: 2 })],
      });
      const { a, b } = JSON.parse((await theirs.get(`sess:${id}`)).sess.S);
      assert.deepEqual([a, b], [1, 2]);
    });
  });
};
