'use strict';

// Changes of many or large fields, and items that hold no session any more.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const Gate = require('../support/gate');
const { serveFor, VERSIONS } = require('../support/koa');
const { assertDeleted } = require('../support/tombstone');
const Visitor = require('../support/visitor');
const {
  atOnce, dataOf, HOUR, newLegacy, newStore, oneRequest, recorder, stored, table,
} = require('./writes');

VERSIONS.forEach((version) => {
  describe(`${version.name}: changes of many fields`, () => {
    const many = (count, value) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, value(i)]));

    it('more than 100 fields: one request, so that nobody reads a half', async (t) => {
      const store = newStore();
      const id = await stored({ ...many(150, () => 0), kept: true }, store);
      const calls = await oneRequest(t, {
        version,
        store,
        id,
        change(session) {
          Object.assign(session, many(250, (i) => i));
          delete session.field7;
        },
      });
      assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
      calls.forEach(({ body }) => assert.ok(body.UpdateExpression.length <= 4096));
      const { field7, kept, ...rest } = dataOf(await table.get(id));
      assert.equal(field7, undefined);
      assert.deepEqual(kept, { BOOL: true });
      const expected = Object.fromEntries(Object.entries(many(250, (i) => ({ N: String(i) })))
        .filter(([name]) => name !== 'field7'));
      assert.deepEqual(rest, expected);
    });

    it('two such requests at once: nothing is lost', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const data = await atOnce(t, {
        version,
        store,
        id,
        changes: ['x', 'y'].map((letter) => (session) => {
          for (let i = 0; i < 150; i += 1) session[`${letter}${i}`] = i;
        }),
      });
      assert.equal(Object.keys(data).length, 301);
    });

    it('destroyed meanwhile: no field is written', async (t) => {
      const store = newStore();
      const gate = new Gate();
      const id = await stored({ a: 1 }, store);
      const app = await serveFor(t, version, { store }, async (ctx) => {
        await gate.pass();
        Object.assign(ctx.session, many(250, (i) => i));
      });
      const slow = new Visitor(app.url, { 'koa.sess': id }).get();
      await gate.arrived();
      await store.destroy(id);
      recorder.reset();
      gate.open();
      assert.equal((await slow).status, 200);
      assertDeleted(await table.get(id));
      assert.deepEqual(recorder.operations(), ['UpdateItem']);
      assert.equal(store.stats().conflicts, 1);
    });

    it('destroyed after it was written, and before the lost answer is asked for again: the session stays away', async (t) => {
      recorder.reset();
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const app = await serveFor(t, version, { store }, (ctx) => { Object.assign(ctx.session, many(250, (i) => i)); });
      let isStored;
      recorder.loseAnswer('UpdateItem', {
        async meanwhile() {
          isStored = 'field249' in (await table.get(id)).session.M;
          await newLegacy().destroy(id);
        },
      });
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
      assert.equal(isStored, true);
      assert.equal(recorder.only('UpdateItem').length, 2);
      assert.equal(await table.get(id), undefined);
      assert.equal(store.stats().conflicts, 1);
    });

    it('long names: the expression stays within the service\'s limit', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const long = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`${'long'.repeat(50)}${i}`, i]));
      const calls = await oneRequest(t, {
        version, store, id, change: (session) => Object.assign(session, long) && undefined,
      });
      calls.forEach(({ body }) => assert.ok(body.UpdateExpression.length <= 4096));
      assert.equal(Object.keys(dataOf(await table.get(id))).length, 91);
    });
  });

  describe(`${version.name}: changes that are too large together`, () => {
    const large = (letter) => letter.repeat(250000);

    it('two requests: the second is refused, and the first stays written', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const gates = [new Gate(), new Gate()];
      const app = await serveFor(t, version, { store }, async (ctx) => {
        const [index, name] = ctx.path === '/x' ? [0, 'x'] : [1, 'y'];
        await gates[index].pass();
        ctx.session[name] = large(name);
      });
      const answers = ['/x', '/y'].map((path) => new Visitor(app.url, { 'koa.sess': id }).get(path));
      await Promise.all(gates.map((gate) => gate.arrived()));
      gates[0].open();
      assert.equal((await answers[0]).status, 200);
      gates[1].open();
      assert.equal((await answers[1]).status, 500);
      assert.deepEqual(app.errors.map(({ code }) => code), ['ItemTooLargeError']);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' }, x: { S: large('x') } });
    });

    it('one request that replaces large fields by other large ones fits', async (t) => {
      const store = newStore();
      const text = 'x'.repeat(2500);
      const fields = (letter) => Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`${letter}${i}`, text]));
      const id = await stored(fields('a'), store);
      const calls = await oneRequest(t, {
        version, store, id, change: (_, ctx) => { ctx.session = fields('b'); },
      });
      assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
      assert.deepEqual(Object.keys(dataOf(await table.get(id))).sort(), Object.keys(fields('b')).sort());
    });
  });

  describe(`${version.name}: an item that holds no session any more`, () => {
    const become = async (t, session, more = {}) => {
      const store = newStore();
      const gate = new Gate();
      const id = await stored({ a: 1, b: 1 }, store);
      const app = await serveFor(t, version, { store }, async (ctx) => {
        await gate.pass();
        ctx.session.a = 2;
      });
      const slow = new Visitor(app.url, { 'koa.sess': id }).get();
      await gate.arrived();
      await table.put({
        sessionId: { S: id }, expires: { N: String(Math.ceil(Date.now() / 1000) + 3600) }, ...session, ...more,
      });
      recorder.reset();
      gate.open();
      const { status } = await slow;
      return {
        id, status, app, store, item: await table.get(id), operations: recorder.operations(),
      };
    };

    Object.entries({
      text: { session: { S: 'x' } }, list: { session: { L: [] } }, nothing: {},
    }).forEach(([name, session]) => {
      it(`session is ${name}: nothing is written, and it is a conflict`, async (t) => {
        const {
          status, app, store, item, operations,
        } = await become(t, session);
        assert.deepEqual(app.errors, []);
        assert.equal(status, 200);
        assert.deepEqual(item.session, session.session);
        assert.equal(item.rev, undefined);
        assert.deepEqual(operations, ['UpdateItem']);
        assert.equal(store.stats().conflicts, 1);
      });

      it(`session is ${name}, of another session: not changed`, async (t) => {
        const { status, item } = await become(t, session, { created: { N: '1' } });
        assert.equal(status, 200);
        assert.deepEqual(item.session, session.session);
      });

      it(`session is ${name}: the next session under the id takes its place`, async (t) => {
        const { id, store } = await become(t, session);
        const ctx = {};
        assert.equal(await store.get(id, undefined, { ctx }), undefined);
        await store.set(id, { user: 'Grace' }, HOUR, { ctx });
        assert.deepEqual(await store.get(id), { user: 'Grace' });
        await store.set(id, { user: 'Grace', views: 1 }, HOUR, { ctx });
        assert.deepEqual(await store.get(id), { user: 'Grace', views: 1 });
      });
    });

    it('a session that the service refuses for its size: the error says so, and nothing is written', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
      recorder.reset();
      const message = 'Item size to update has exceeded the maximum allowed size';
      recorder.answer('UpdateItem', { status: 400, body: { __type: 'x#ValidationException', message } });
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 500);
      assert.equal(app.errors[0].code, 'ItemTooLargeError');
      assert.deepEqual(recorder.operations(), ['GetItem', 'UpdateItem']);
      recorder.reset();
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' } });
    });
  });
});
