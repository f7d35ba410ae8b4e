'use strict';

// A write that was executed, but whose answer was lost, is sent again. Its condition then fails because of its own
// first attempt, which is not a conflict: its name is in the item's `rev`. Tested on an engine that returns the item of
// a failed condition, and on one that does not.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useDynalite } = require('../support/dynalite');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, localAlone, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { assertDeleted } = require('../support/tombstone');
const until = require('../support/until');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const NAME = unique('retried');
const ENGINES = [
  { name: 'dynoxide', engine: useEngine(), returnsItem: true },
  { name: 'dynalite', engine: useDynalite({ createTableMs: 0 }), returnsItem: false },
];

ENGINES.forEach(({ name: engineName, engine, returnsItem }) => {
  const recorder = useRecorder(engine);
  let table;

  before(async () => {
    await recorder.started;
    table = rawTable(engine.endpoint, NAME);
    await table.create();
    await until('the table', async () => (await table.describe()).TableStatus === 'ACTIVE');
  });

  const newStore = (more) => {
    const store = new DynamoDBStore(localAlone(recorder.endpoint, NAME, more));
    const events = [];
    ['conflict', 'unreadable', 'retry', 'throttled'].forEach((name) => {
      store.on(name, (event) => events.push([name, event.operation]));
    });
    return { store, events };
  };
  const dataOf = (item) => {
    const { _expire, _maxAge, ...data } = item.session.M;
    return data;
  };
  const stored = async (store, session) => {
    const id = unique('id');
    await store.set(id, session, HOUR, { ctx: {} });
    recorder.reset();
    return id;
  };
  // The operations of a write, after the load of its session.
  const writes = () => recorder.operations().join(' ').replace(/^GetItem /, '');
  // Those that are expected, with an additional read if the engine does not return the item.
  const andRead = (operations) => (returnsItem ? operations : `${operations} GetItem`);

  VERSIONS.forEach((version) => {
    describe(`${version.name} on ${engineName}`, () => {
      it('a first visit', async (t) => {
        recorder.reset();
        const { store, events } = newStore();
        const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 1; });
        const visitor = new Visitor(app.url);
        recorder.loseAnswer('PutItem');
        assert.equal((await visitor.get()).status, 200);
        assert.deepEqual(app.errors, []);
        assert.equal(recorder.operations().join(' '), andRead('PutItem PutItem'));
        assert.deepEqual(recorder.calls[0].body, recorder.calls[1].body);
        assert.deepEqual(dataOf(await table.get(visitor.sessionId)), { a: { N: '1' } });
        assert.deepEqual(events, [['retry', 'PutItem']]);
        assert.equal(store.stats().conflicts, 0);
        assert.equal(store.stats().retries, 1);
        // The request tracks the session that it has written.
        recorder.reset();
        assert.equal((await visitor.get()).status, 200);
        assert.deepEqual(recorder.operations(), ['GetItem']);
      });

      it('a first visit that goes on after its lost answer', async (t) => {
        recorder.reset();
        const { store, events } = newStore();
        const app = await serveFor(t, version, { store, autoCommit: false }, async (ctx) => {
          ctx.session.a = 1;
          await ctx.session.manuallyCommit();
          ctx.session.b = 1;
          await ctx.session.manuallyCommit();
        });
        const visitor = new Visitor(app.url);
        recorder.loseAnswer('PutItem');
        assert.equal((await visitor.get()).status, 200);
        assert.deepEqual(dataOf(await table.get(visitor.sessionId)), { a: { N: '1' }, b: { N: '1' } });
        assert.deepEqual(events, [['retry', 'PutItem']]);
      });

      ['merge', 'overwrite'].forEach((conflict) => {
        it(`a change, conflict: '${conflict}'`, async (t) => {
          const { store, events } = newStore({ conflict });
          const id = await stored(store, { a: 1, b: 1 });
          const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
          recorder.loseAnswer('UpdateItem');
          assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
          assert.deepEqual(app.errors, []);
          assert.equal(writes(), andRead('UpdateItem UpdateItem'));
          assert.deepEqual(dataOf(await table.get(id)), { a: { N: '2' }, b: { N: '1' } });
          assert.deepEqual(events, [['retry', 'UpdateItem']]);
          assert.equal(store.stats().conflicts, 0);
        });
      });

      it('a rolling view', async (t) => {
        const { store, events } = newStore();
        const id = await stored(store, { a: 1 });
        const app = await serveFor(t, version, { store, rolling: true }, () => {});
        recorder.loseAnswer('UpdateItem');
        assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
        assert.equal(writes(), andRead('UpdateItem UpdateItem'));
        assert.deepEqual(events, [['retry', 'UpdateItem']]);
        assert.equal(store.stats().conflicts, 0);
      });

      it('an item of the legacy package', async (t) => {
        const { store, events } = newStore();
        const id = unique('id');
        await table.putSession(id, { M: { a: { N: '1' } } });
        recorder.reset();
        const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
        recorder.loseAnswer('UpdateItem');
        assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
        assert.deepEqual(dataOf(await table.get(id)), { a: { N: '2' } });
        assert.deepEqual(events, [['retry', 'UpdateItem']]);
      });

      it('without permission for UpdateItem: the conditional PutItem', async (t) => {
        const { store, events } = newStore();
        const id = await stored(store, { a: 1, b: 1 });
        const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
        recorder.answer('UpdateItem', { status: 400, body: { __type: 'x#AccessDeniedException', message: 'no' } });
        recorder.loseAnswer('PutItem');
        assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
        assert.equal(writes(), andRead('UpdateItem PutItem PutItem'));
        assert.deepEqual(dataOf(await table.get(id)), { a: { N: '2' }, b: { N: '1' } });
        assert.deepEqual(events, [['retry', 'PutItem']]);
        assert.equal(store.stats().conflicts, 0);
      });

      it('a logout', async (t) => {
        const { store, events } = newStore();
        const id = await stored(store, { a: 1 });
        const app = await serveFor(t, version, { store }, (ctx) => { ctx.session = null; });
        recorder.loseAnswer('PutItem');
        assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
        assertDeleted(await table.get(id));
        assert.deepEqual(events, [['retry', 'PutItem']]);
      });

      it('a change, destroyed before it is sent again: a conflict, and the session stays away', async (t) => {
        const { store, events } = newStore();
        const id = await stored(store, { a: 1 });
        const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
        recorder.loseAnswer('UpdateItem', { meanwhile: () => new DynamoDBStore(local(engine.endpoint, NAME)).destroy(id) });
        assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
        assert.deepEqual(app.errors, []);
        assertDeleted(await table.get(id));
        assert.deepEqual(events, [['retry', 'UpdateItem'], ['conflict', 'UpdateItem']]);
      });

      it("a change, and another request's change before it is sent again: both are stored", async (t) => {
        const { store, events } = newStore();
        const id = await stored(store, { a: 1, b: 1 });
        const change = (ctx) => { ctx.session[ctx.path.slice(1)] = 2; };
        const app = await serveFor(t, version, { store }, change);
        // In the same process it would wait.
        const other = await serveFor(t, version, { store: newStore().store }, change);
        const at = ({ url }) => new Visitor(url, { 'koa.sess': id });
        recorder.loseAnswer('UpdateItem', { meanwhile: () => at(other).get('/b') });
        assert.equal((await at(app).get('/a')).status, 200);
        assert.deepEqual(dataOf(await table.get(id)), { a: { N: '2' }, b: { N: '2' } });
        assert.deepEqual(events, [['retry', 'UpdateItem']]);
      });

      it('a first visit under an id that another one has taken before it is sent again: both are stored', async (t) => {
        recorder.reset();
        const { store, events } = newStore();
        const id = unique('same');
        const app = await serveFor(t, version, { store, genid: () => id }, (ctx) => {
          ctx.session[ctx.path.slice(1)] = 1;
        });
        recorder.answer('PutItem', async () => {
          await new Visitor(app.url).get('/other');
          throw new Error('never arrives');
        }, 1);
        assert.equal((await new Visitor(app.url).get('/mine')).status, 200);
        assert.deepEqual(dataOf(await table.get(id)), { mine: { N: '1' }, other: { N: '1' } });
        assert.deepEqual(events, [['retry', 'PutItem']]);
        assert.equal(store.stats().conflicts, 0);
      });
    });
  });
});
