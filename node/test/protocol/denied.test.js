'use strict';

// Policies for the legacy package grant GetItem, PutItem and DeleteItem. If UpdateItem is refused, whole items are put,
// still with a condition: logout wins, and parallel changes are kept.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const sessions = require('../frameworks/koa/sessions');
const traceOf = require('../frameworks/koa/trace');
const { useEngine } = require('../support/engine');
const Gate = require('../support/gate');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, localAlone, unique } = require('../support/options');
const { failure, useDenied, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');
const useTable = require('../support/table');
const { assertDeleted } = require('../support/tombstone');
const Visitor = require('../support/visitor');
const { SCENES, play } = require('./scenes');

const HOUR = 3600000;
const engine = useEngine();
const denied = useDenied(engine, 'UpdateItem');
const recorder = useRecorder(denied);
const table = useTable(engine, 'denied');

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));
const stored = async (store, session) => {
  const id = unique('id');
  await store.set(id, session, HOUR, { ctx: {} });
  return id;
};
const dataOf = (item) => {
  const { _expire, _maxAge, ...data } = item.session.M;
  return data;
};

describe('the Koa suite', () => {
  sessions(denied, { update: 'PutItem' });
  traceOf(denied);
});

VERSIONS.forEach((version) => {
  describe(`${version.name}: logout wins`, () => {
    Object.entries(SCENES).forEach(([name, scene]) => {
      it(name, async (t) => {
        const store = newStore();
        const conflicts = [];
        store.on('conflict', (conflict) => conflicts.push(conflict));
        const { item } = await play(t, {
          version, store, table, scene,
        });
        assertDeleted(item);
        assert.equal(conflicts.length, 1);
      });

      it(`${name}: the next session under the id is left alone`, async (t) => {
        const { item, left } = await play(t, {
          version, store: newStore(), table, scene, again: true,
        });
        assert.equal(left.session.M.user.S, 'Grace');
        assert.deepEqual(item, left);
      });
    });
  });

  describe(version.name, () => {
    it('tries UpdateItem once, and then writes with a conditional PutItem', async (t) => {
      const store = newStore();
      const id = await stored(store, { views: 0 });
      const { created } = await table.get(id);
      const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.views += 1; });
      const visitor = new Visitor(app.url, { 'koa.sess': id });
      recorder.reset();
      for (let view = 0; view < 3; view += 1) assert.equal((await visitor.get()).status, 200);
      assert.deepEqual(recorder.operations(), [
        'GetItem', 'UpdateItem', 'PutItem', 'GetItem', 'PutItem', 'GetItem', 'PutItem',
      ]);
      recorder.only('PutItem').forEach(({ body }) => assert.match(body.ConditionExpression, /attribute_exists/));
      const item = await table.get(id);
      assert.deepEqual(dataOf(item), { views: { N: '3' } });
      assert.deepEqual(item.created, created);
    });

    it('rolling: the whole session, on condition', async (t) => {
      const store = newStore();
      const id = await stored(store, { user: 'Ada' });
      const { expires } = await table.get(id);
      const app = await serveFor(t, version, { store, rolling: true }, () => {});
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
      const item = await table.get(id);
      assert.deepEqual(dataOf(item), { user: { S: 'Ada' } });
      assert.ok(Number(item.expires.N) > Number(expires.N) + 3600);
    });

    it('parallel changes are kept', async (t) => {
      const store = newStore();
      const id = await stored(store, { a: 1, b: 1 });
      const gates = [new Gate(), new Gate()];
      const app = await serveFor(t, version, { store }, async (ctx) => {
        await gates[ctx.path === '/a' ? 0 : 1].pass();
        ctx.session[ctx.path.slice(1)] = 2;
      });
      const answers = ['/a', '/b'].map((path) => new Visitor(app.url, { 'koa.sess': id }).get(path));
      await Promise.all(gates.map((gate) => gate.arrived()));
      for (const [index, gate] of gates.entries()) {
        gate.open();
        await answers[index];
      }
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '2' }, b: { N: '2' } });
      const { conflicts, mergeRetries } = store.stats();
      assert.deepEqual([conflicts, mergeRetries], [0, 1]);
    });

    it('first visits under one id: what both wrote is there', async (t) => {
      const store = newStore();
      const id = unique('same');
      const gate = new Gate();
      const app = await serveFor(t, version, { store, genid: () => id }, async (ctx) => {
        await gate.pass();
        ctx.session[ctx.path.slice(1)] = 1;
      });
      const answers = ['/a', '/b'].map((path) => new Visitor(app.url).get(path));
      await gate.arrived(2);
      gate.open();
      for (const answer of answers) assert.equal((await answer).status, 200);
      assert.deepEqual(app.errors, []);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' }, b: { N: '1' } });
    });

    it('PutItem refused as well: the error is that of PutItem', async (t) => {
      const store = newStore();
      const id = await stored(store, { a: 1 });
      const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
      recorder.reset();
      recorder.answer('PutItem', failure('AccessDeniedException', 'not allowed to perform: dynamodb:PutItem'));
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 500);
      assert.equal(app.errors[0].code, 'AccessDeniedException');
      assert.equal(app.errors[0].operation, 'PutItem');
      recorder.reset();
    });
  });
});

it('one warning for the life of the process, for all stores and calls', async () => {
  const { code, stdout, stderr } = await runScript(async (Store, options) => {
    const stores = [new Store(options), new Store(options), new Store({ ...options, prefix: 'other:' })];
    for (const store of stores) {
      for (let call = 0; call < 3; call += 1) {
        const ctx = {};
        await store.set('warned', { call: -1 }, 60000, { ctx });
        await store.set('warned', { call }, 60000, { ctx });
      }
      console.log((await store.get('warned')).call);
    }
  }, [local(recorder.endpoint, table.name)]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '2\n2\n2\n');
  assert.equal(stderr.match(/Warning/g)?.length, 1, stderr);
  assert.match(stderr, /UpdateItem/);
});

describe('PutItem is not allowed', () => {
  it('a sign-out deletes the item, on the condition that it is the session, and a late change does not revive it', async () => {
    const store = newStore();
    const id = await stored(store, { user: 'Ada' });
    const [ctx, late] = [{}, {}];
    await store.get(id, undefined, { ctx });
    await store.get(id, undefined, { ctx: late });
    recorder.reset();
    const refused = failure('AccessDeniedException', 'not allowed to perform: dynamodb:PutItem');
    recorder.answer('PutItem', refused);
    await store.destroy(id, { ctx });
    assert.deepEqual(recorder.operations(), ['PutItem', 'DeleteItem']);
    assert.match(recorder.only('DeleteItem')[0].body.ConditionExpression, /rev/);
    assert.equal(await table.get(id), undefined);
    recorder.reset();
    await store.set(id, { user: 'Ada', views: 1 }, HOUR, { ctx: late });
    assert.equal(await table.get(id), undefined);
  });

  it('one warning for the life of the process, for all stores and calls', async () => {
    const [name, id] = [table.name, unique('id')];
    const own = newStore();
    const signedOut = Array.from({ length: 3 }, (_, index) => `${id}${index}`);
    for (const one of signedOut) await own.set(one, { a: 1 }, HOUR, { ctx: {} });
    recorder.reset();
    recorder.answer('PutItem', failure('AccessDeniedException', 'not allowed to perform: dynamodb:PutItem'));
    const { code, stderr } = await runScript(async (Store, options, ids) => {
      for (const one of ids) await new Store(options).destroy(one);
    }, [local(recorder.endpoint, name), signedOut]);
    recorder.reset();
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/Warning/g)?.length, 1, stderr);
    assert.match(stderr, /PutItem is not allowed/);
    for (const one of signedOut) assert.equal(await table.get(one), undefined);
  });
});

it('no warning if UpdateItem is allowed', async () => {
  const { code, stderr } = await runScript(async (Store, options) => {
    const store = new Store(options);
    const ctx = {};
    await store.set('unwarned', { a: 1 }, 60000, { ctx });
    await store.set('unwarned', { a: 2 }, 60000, { ctx });
  }, [local(engine.endpoint, table.name)]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
});
