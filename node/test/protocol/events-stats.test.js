'use strict';

// Events and statistics: store.on('conflict' | 'unreadable' | 'retry' | 'throttled'), store.stats().

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, localAlone, unique } = require('../support/options');
const { failure, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');
const useTable = require('../support/table');
const until = require('../support/until');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const NAMES = ['conflict', 'unreadable', 'retry', 'throttled'];
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'events');

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));

// A store, and all its events: [name, …arguments of the listener].
const watched = (more) => {
  const store = newStore(more);
  const events = [];
  NAMES.forEach((name) => store.on(name, (...given) => events.push([name, ...given])));
  return { store, events };
};

// A write of a session that was destroyed after it was loaded.
const conflict = async (store, id = unique('id')) => {
  const ctx = {};
  await store.set(id, { a: 1 }, HOUR, { ctx: {} });
  await store.get(id, undefined, { ctx });
  await store.destroy(id, { ctx: {} });
  await store.set(id, { a: 2 }, HOUR, { ctx });
  return id;
};

const unreadable = async (store) => {
  const id = unique('unreadable');
  await table.putSession(id, { S: 'no session' });
  assert.equal(await store.get(id), undefined);
  return id;
};

describe('events', () => {
  it('conflict: the reference of the session, and the operation', async () => {
    recorder.reset();
    const { store, events } = watched();
    const id = await conflict(store);
    await until('the event', () => events.length > 0);
    assert.equal(events.length, 1);
    const [name, given, ...more] = events[0];
    assert.equal(name, 'conflict');
    assert.deepEqual(more, []);
    assert.deepEqual(Object.keys(given).sort(), ['operation', 'ref']);
    assert.equal(given.operation, 'UpdateItem');
    assert.match(given.ref, /^[0-9a-f]{24}$/);
    assert.ok(!id.includes(given.ref));
  });

  it('unreadable: an item without a session', async () => {
    recorder.reset();
    const { store, events } = watched();
    await unreadable(store);
    await until('the event', () => events.length > 0);
    assert.deepEqual(events.map(([name]) => name), ['unreadable']);
    assert.deepEqual(Object.keys(events[0][1]), ['ref']);
    assert.match(events[0][1].ref, /^[0-9a-f]{24}$/);
  });

  it('a session that is missing or has expired causes no event', async () => {
    const { store, events } = watched();
    const id = unique('expired');
    await table.putSession(id, { M: {} }, { expires: { N: '1' } });
    assert.equal(await store.get(id), undefined);
    assert.equal(await store.get(unique('missing')), undefined);
    await unreadable(store);
    await until('the event that comes last', () => events.length > 0);
    assert.deepEqual(events.map(([name]) => name), ['unreadable']);
  });

  it('retry: the operation, how many requests there were, and the code', async () => {
    recorder.reset();
    const { store, events } = watched();
    recorder.answer('GetItem', failure('InternalServerError', 'try again', 500), 2);
    await store.get(unique('id'));
    await until('the events', () => events.length === 2);
    assert.deepEqual(events, [
      ['retry', { operation: 'GetItem', attempt: 1, code: 'InternalServerError' }],
      ['retry', { operation: 'GetItem', attempt: 2, code: 'InternalServerError' }],
    ]);
  });

  it('throttled: each such answer, also the last', async () => {
    recorder.reset();
    const { store, events } = watched({ dynamoConfig: { maxRetries: 1 } });
    recorder.answer('PutItem', failure('ProvisionedThroughputExceededException'));
    await assert.rejects(store.set(unique('id'), { a: 1 }, HOUR, { ctx: {} }));
    const code = 'ProvisionedThroughputExceededException';
    await until('the events', () => events.length === 3);
    assert.deepEqual(events, [
      ['throttled', { operation: 'PutItem', code }],
      ['retry', { operation: 'PutItem', attempt: 1, code }],
      ['throttled', { operation: 'PutItem', code }],
    ]);
    recorder.reset();
  });

  it('one reference for one id, whichever event and whichever store; others for others', async () => {
    const first = watched();
    const second = watched();
    const id = unique('id');
    await conflict(first.store, id);
    await conflict(second.store, id);
    await conflict(second.store);
    await until('the events', () => first.events.length === 1 && second.events.length === 2);
    const refs = [first.events[0], ...second.events].map(([, { ref }]) => ref);
    assert.equal(refs[0], refs[1]);
    assert.notEqual(refs[0], refs[2]);
  });

  it('the reference is the same in every process', async () => {
    const body = async (Store, options) => {
      const store = new Store(options);
      store.on('unreadable', ({ ref }) => console.log(ref));
      await store.get('hashed');
    };
    await table.putSession('hashed', { S: 'x' });
    const args = [local(engine.endpoint, table.name)];
    const [first, second] = await Promise.all([runScript(body, args), runScript(body, args)]);
    assert.match(first.stdout, /^[0-9a-f]{24}\n$/, first.stderr);
    assert.match(second.stdout, /^[0-9a-f]{24}\n$/, second.stderr);
    assert.equal(first.stdout, second.stdout);
  });

  it('once gets one event, off ends them, several listeners get all', async () => {
    const store = newStore();
    const heard = { once: 0, off: 0, on: 0 };
    const off = () => { heard.off += 1; };
    store.once('unreadable', () => { heard.once += 1; });
    store.on('unreadable', off);
    store.on('unreadable', () => { heard.on += 1; });
    await unreadable(store);
    await until('the event', () => heard.on === 1);
    store.off('unreadable', off);
    await unreadable(store);
    await until('the event', () => heard.on === 2);
    assert.deepEqual(heard, { once: 1, off: 1, on: 2 });
  });

  it('on, once and off return the store', () => {
    const store = newStore();
    const listener = () => {};
    assert.equal(store.on('conflict', listener), store);
    assert.equal(store.once('conflict', listener), store);
    assert.equal(store.off('conflict', listener), store);
  });

  it('a listener that is not a function is refused', () => {
    assert.throws(() => newStore().on('conflict', 'x'), TypeError);
  });

  it('stores with the same configuration share events, others do not', async () => {
    const options = localAlone(recorder.endpoint, table.name);
    const heard = [];
    const stores = [new DynamoDBStore(options), new DynamoDBStore(options), newStore()];
    stores.forEach((store, index) => store.on('unreadable', () => heard.push(index)));
    await unreadable(stores[0]);
    await until('the events', () => heard.length >= 2);
    await unreadable(stores[2]);
    await until('the events', () => heard.length >= 3);
    assert.deepEqual(heard, [0, 1, 2]);
  });

  it('listeners stay when the options are replaced', async () => {
    const { store, events } = watched();
    store.setOptions(localAlone(recorder.endpoint, table.name));
    await unreadable(store);
    await until('the event', () => events.length > 0);
    assert.deepEqual(events.map(([name]) => name), ['unreadable']);
  });

  it('without a listener nothing is reported, and nothing fails', async () => {
    await conflict(newStore());
    await unreadable(newStore());
  });

  it('an unknown event name is never reported', async () => {
    const store = newStore();
    const heard = [];
    ['error', 'get', 'updateDenied'].forEach((name) => store.on(name, () => heard.push(name)));
    store.on('unreadable', () => heard.push('unreadable'));
    await unreadable(store);
    await until('the event', () => heard.length > 0);
    assert.deepEqual(heard, ['unreadable']);
  });

  it('a listener that throws is an uncaught exception, and calls go on', async () => {
    await table.putSession('thrown', { S: 'x' });
    const { code, stdout, stderr } = await runScript(async (Store, options) => {
      const thrown = new Promise((resolve) => { process.once('uncaughtException', resolve); });
      const store = new Store(options);
      store.on('unreadable', () => { throw new Error('of the listener'); });
      console.log(await store.get('thrown'));
      console.log((await thrown).message);
      await store.set('thrown', { a: 1 }, 60000, { ctx: {} });
      console.log(await store.get('thrown'));
    }, [local(engine.endpoint, table.name)]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'undefined\nof the listener\n{ a: 1 }\n');
    assert.equal(stderr, '');
  });
});

describe('the process', () => {
  it('ends in spite of a listener', async () => {
    const { code, stdout, stderr } = await runScript(async (Store, options) => {
      const store = new Store(options);
      ['conflict', 'unreadable', 'retry', 'throttled'].forEach((name) => store.on(name, () => {}));
      await store.get('x');
      console.log('done');
    }, [local(engine.endpoint, table.name)]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'done\n');
    assert.equal(stderr, '');
  });

  it('ends in spite of a listener without a call', async () => {
    const { code, stderr } = await runScript((Store, options) => {
      new Store(options).on('conflict', () => {});
    }, [local(engine.endpoint, table.name)]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
  });

  it('of workers: each gets the events of its own stores, and ends; later events are dropped', async () => {
    await table.putSession('in-workers', { S: 'x' });
    const { code, stdout, stderr } = await runScript(async (Store, options) => {
      const { once } = require('node:events'); // eslint-disable-line global-require
      const { Worker } = require('node:worker_threads'); // eslint-disable-line global-require
      const source = `
        const { parentPort, workerData } = require('node:worker_threads');
        const Store = require(workerData.file);
        const store = new Store(workerData.options);
        store.on('unreadable', ({ ref }) => parentPort.postMessage(ref));
        store.get('in-workers');`;
      const file = require.resolve('koa-session-dynamodb-store');
      const store = new Store(options);
      for (let worker = 0; worker < 3; worker += 1) {
        const running = new Worker(source, { eval: true, workerData: { file, options } });
        // Both listeners are added first, because the events can come in one turn of the event loop.
        const [[ref]] = await Promise.all([once(running, 'message'), once(running, 'exit')]);
        console.log(ref.length);
      }
      await store.get('in-workers');
      await store.get('in-workers');
      console.log('done');
    }, [local(engine.endpoint, table.name)]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '24\n24\n24\ndone\n');
    assert.equal(stderr, '');
  });
});

describe('stats', () => {
  const EMPTY = {
    operations: {},
    capacityUnits: 0,
    conflicts: 0,
    skippedTouches: 0,
    retries: 0,
    withheldRetries: 0,
    throttles: 0,
    unguardedWrites: 0,
    sealedWrites: 0,
    sealedByKey: {},
    unitsSaved: 0,
    mergeRetries: 0,
    revokedSessions: 0,
  };
  const countsOf = ({ operations }) => Object.fromEntries(Object.entries(operations).map(([name, {
    calls, errors, requests, capacityUnits,
  }]) => [name, [calls, errors, requests, capacityUnits]]));

  it('are zero at first', () => assert.deepEqual(newStore().stats(), EMPTY));

  it('count calls, errors, requests, units and time of each operation', async () => {
    recorder.reset();
    const store = newStore();
    const id = unique('id');
    const ctx = {};
    await store.set(id, { a: 1 }, HOUR, { ctx });
    await store.set(id, { a: 2 }, HOUR, { ctx });
    await store.get(id, undefined, { ctx: {} });
    await store.get(unique('missing'), undefined, { ctx: {} });
    await store.destroy(id, { ctx });
    const stats = store.stats();
    assert.deepEqual(countsOf(stats), {
      PutItem: [2, 0, 2, 2], UpdateItem: [1, 0, 1, 1], GetItem: [2, 0, 2, 2],
    });
    assert.equal(stats.capacityUnits, 5);
    Object.values(stats.operations).forEach((operation) => {
      assert.deepEqual(Object.keys(operation).sort(), [
        'calls', 'capacityUnits', 'errors', 'requests', 'timeMaxMs', 'timeTotalMs',
      ]);
      assert.ok(operation.timeMaxMs > 0);
      assert.ok(operation.timeTotalMs >= operation.timeMaxMs);
      assert.ok(operation.timeTotalMs <= operation.calls * operation.timeMaxMs + 1e-6);
    });
    const { operations, capacityUnits, ...rest } = stats;
    const { operations: none, capacityUnits: nothing, ...zero } = EMPTY;
    assert.deepEqual(rest, zero);
  });

  it('units are those of the size, and half for eventual reads', async () => {
    const store = newStore({ consistentRead: false });
    const id = unique('id');
    const ctx = {};
    await store.set(id, { text: 'x'.repeat(9000) }, HOUR, { ctx });
    await store.get(id);
    const { operations } = store.stats();
    assert.equal(operations.PutItem.capacityUnits, 9);
    assert.equal(operations.GetItem.capacityUnits, 1.5);
  });

  it('conflicts: counted, and what the failed condition costs', async () => {
    const store = newStore();
    await conflict(store);
    const stats = store.stats();
    assert.equal(stats.conflicts, 1);
    assert.deepEqual(countsOf(stats).UpdateItem, [1, 0, 1, 1]);
    // A failed condition costs as much as a write of the stored item.
    const id = unique('id');
    await store.set(id, { text: 'x'.repeat(2900) }, HOUR, { ctx: {} });
    const earlier = store.stats().operations;
    await store.set(id, { a: 1 }, HOUR, { ctx: {} });
    const { PutItem, UpdateItem } = store.stats().operations;
    assert.equal(PutItem.capacityUnits - earlier.PutItem.capacityUnits, 3);
    assert.equal(UpdateItem.capacityUnits - earlier.UpdateItem.capacityUnits, 3);
    assert.equal(store.stats().conflicts, 1);
  });

  it('unguarded writes: those without a ctx', async () => {
    const store = newStore();
    await store.set(unique('id'), { a: 1 }, HOUR);
    await store.set(unique('id'), { a: 1 }, HOUR, { changed: true });
    await store.set(unique('id'), { a: 1 }, HOUR, { ctx: {} });
    assert.equal(store.stats().unguardedWrites, 2);
  });

  it('merge retries: writes that met a later state of their session', async () => {
    const store = newStore();
    const id = unique('id');
    const [ctx, other] = [{}, {}];
    await store.set(id, { a: 1, b: 1 }, HOUR, { ctx });
    await store.get(id, undefined, { ctx: other });
    await store.set(id, { a: 2, b: 1 }, HOUR, { ctx });
    assert.equal(store.stats().mergeRetries, 0);
    await store.set(id, { a: 1, b: 2 }, HOUR, { ctx: other });
    assert.equal(store.stats().mergeRetries, 1);
    assert.equal(store.stats().conflicts, 0);
    const { a, b } = await store.get(id);
    assert.deepEqual([a, b], [2, 2]);
    // A delete that the session changed under is made again too.
    await store.set(id, { a: 3, b: 2 }, HOUR, { ctx });
    const earlier = store.stats().mergeRetries;
    const late = {};
    await store.get(id, undefined, { ctx: late });
    await store.set(id, { a: 4, b: 2 }, HOUR, { ctx: {} });
    const before = store.stats().mergeRetries;
    await store.destroy(id, { ctx: late });
    assert.ok(before > earlier);
    assert.equal(store.stats().mergeRetries, before + 1);
    assert.equal(await store.get(id), undefined);
  });

  it('retries, throttles and errors', async () => {
    recorder.reset();
    const store = newStore({ dynamoConfig: { maxRetries: 2 } });
    recorder.answer('GetItem', failure('ThrottlingException'), 1);
    await store.get(unique('id'));
    recorder.answer('GetItem', failure('InternalServerError', 'no', 500));
    await assert.rejects(store.get(unique('id')));
    recorder.reset();
    const id = unique('id');
    await store.set(id, { a: 1 }, HOUR, { ctx: {} });
    ['PutItem', 'DeleteItem'].forEach((operation) => recorder.answer(operation, failure('AccessDeniedException')));
    await assert.rejects(store.destroy(id));
    const stats = store.stats();
    assert.equal(stats.retries, 3);
    assert.equal(stats.throttles, 1);
    assert.deepEqual(countsOf(stats).GetItem, [3, 1, 6, 2]);
    assert.deepEqual(countsOf(stats).PutItem, [2, 1, 2, 1]);
    assert.deepEqual(countsOf(stats).DeleteItem, [1, 1, 1, 0]);
    recorder.reset();
  });

  it('without an engine: calls and errors are counted', async () => {
    const store = new DynamoDBStore(localAlone('http://127.0.0.1:1', table.name, { dynamoConfig: { maxRetries: 0 } }));
    await assert.rejects(store.get(unique('id')));
    const { calls, errors, capacityUnits } = store.stats().operations.GetItem;
    assert.deepEqual([calls, errors, capacityUnits], [1, 1, 0]);
  });

  it('are a snapshot: changing them has no effect', async () => {
    const store = newStore();
    await store.get(unique('id'));
    const stats = store.stats();
    stats.operations.GetItem.calls = 100;
    await store.get(unique('id'));
    assert.equal(stats.operations.GetItem.calls, 100);
    assert.equal(store.stats().operations.GetItem.calls, 2);
  });

  it('of stores with the same configuration, such as those of a ContextStore, are shared', async (t) => {
    const options = localAlone(engine.endpoint, table.name);
    class ContextStore extends DynamoDBStore {
      constructor() {
        super(options);
      }
    }
    const store = new DynamoDBStore(options);
    const app = await serveFor(t, VERSIONS[0], { ContextStore }, (ctx) => {
      ctx.session.views = (ctx.session.views || 0) + 1;
    });
    const visitor = new Visitor(app.url);
    for (let view = 0; view < 5; view += 1) await visitor.get();
    assert.deepEqual(countsOf(store.stats()), {
      PutItem: [1, 0, 1, 1], GetItem: [4, 0, 4, 4], UpdateItem: [4, 0, 4, 4],
    });
  });

  it('of the table: one entry for all operations on it', async () => {
    const store = newStore();
    await store.isTableCreated();
    assert.deepEqual(Object.keys(store.stats().operations), ['Table']);
  });

  it('can be written as JSON', () => {
    const stats = newStore().stats();
    assert.deepEqual(JSON.parse(JSON.stringify(stats)), stats);
  });
});
