'use strict';

// autoCreate, with dynalite, where a new table can be used after half a second.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useDynalite } = require('../support/dynalite');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { raw, rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');
const until = require('../support/until');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const dynalite = useDynalite({ createTableMs: 500, deleteTableMs: 500 });
const recorder = useRecorder(dynalite);

const creating = (name, { table = {}, ...more } = {}) => (
  local(recorder.endpoint, name, { table: { autoCreate: true, ...table }, ...more })
);

// Records the calls of the callback.
const listener = () => {
  const calls = [];
  const callback = (...args) => calls.push(args);
  return { calls, callback };
};

describe('a missing table', () => {
  it('is created during construction; requests made meanwhile wait and succeed', async () => {
    recorder.reset();
    const { calls, callback } = listener();
    const name = unique('created');
    const store = new DynamoDBStore(creating(name), callback);
    assert.equal(store.autoCreateTable, true);
    const results = await Promise.all([
      store.set('a', { a: 1 }, HOUR), store.get('b'), store.destroy('c'), store.set('d', { d: 1 }, HOUR),
    ]);
    assert.equal(results[1], undefined);
    assert.deepEqual(await store.get('a'), { a: 1 });
    assert.deepEqual(await store.get('d'), { d: 1 });
    assert.equal(await store.ready, undefined);
    assert.equal(calls.length, 1, 'called once');
    assert.ok(!calls[0][0]);

    const [{ body }] = recorder.only('CreateTable');
    assert.equal(recorder.only('CreateTable').length, 1);
    assert.equal(body.TableName, name);
    assert.deepEqual(body.KeySchema, [{ AttributeName: 'sessionId', KeyType: 'HASH' }]);
    assert.deepEqual(body.AttributeDefinitions, [{ AttributeName: 'sessionId', AttributeType: 'S' }]);
    assert.deepEqual(body.ProvisionedThroughput, { ReadCapacityUnits: 5, WriteCapacityUnits: 5 });
    // No session was written before the table was active.
    assert.ok(recorder.operations().indexOf('PutItem') > recorder.operations().lastIndexOf('DescribeTable'));
    assert.equal(recorder.only('GetItem').length, 4, 'one of them of the delete');
    const table = await rawTable(dynalite.endpoint, name).describe();
    assert.equal(table.TableStatus, 'ACTIVE');
  });

  it('is created as the options say', async () => {
    recorder.reset();
    const name = unique('named');
    const store = new DynamoDBStore(creating(name, {
      table: {
        hashKey: 'sid', ttlKey: 'until', readCapacityUnits: '7', writeCapacityUnits: 3,
      },
    }));
    await store.ready;
    await store.set('a', { a: 1 }, HOUR);
    const table = rawTable(dynalite.endpoint, name, 'sid');
    assert.deepEqual(Object.keys(await table.get('a')).sort(), ['created', 'rev', 'session', 'sid', 'until']);
    const { ProvisionedThroughput: units, KeySchema } = await table.describe();
    assert.deepEqual([units.ReadCapacityUnits, units.WriteCapacityUnits], [7, 3]);
    assert.deepEqual(KeySchema, [{ AttributeName: 'sid', KeyType: 'HASH' }]);
  });

  it('a Koa app serves its first visitor while the table is being made', async (t) => {
    recorder.reset();
    const store = new DynamoDBStore(creating(unique('koa')));
    const app = await serveFor(t, VERSIONS[0], { store }, (ctx) => {
      ctx.session.views = (ctx.session.views || 0) + 1;
      return { views: ctx.session.views };
    });
    const visitor = new Visitor(app.url);
    const [first] = await Promise.all([visitor.get(), new Visitor(app.url, { 'koa.sess': 'x' }).get()]);
    assert.deepEqual(first.body, { views: 1 });
    assert.deepEqual((await visitor.get()).body, { views: 2 });
    assert.deepEqual(app.errors, []);
  });

  it('ten processes start at once: one table, all serve', async () => {
    recorder.reset();
    const name = unique('ten');
    const ends = await Promise.all(Array.from({ length: 10 }, (_, number) => runScript(async (Store, options, id) => {
      let calls = 0;
      const store = new Store(options, (err) => {
        calls += 1;
        if (err) throw err;
      });
      await store.set(id, { id }, 60000, { ctx: {} });
      const session = await store.get(id);
      setImmediate(() => console.log(JSON.stringify({ calls, session })));
    }, [creating(name), `id ${number}`])));
    ends.forEach((end, number) => {
      const stdout = `${JSON.stringify({ calls: 1, session: { id: `id ${number}` } })}\n`;
      assert.deepEqual(end, {
        code: 0, signal: null, stdout, stderr: '',
      });
    });
    assert.equal((await rawTable(dynalite.endpoint, name).scan()).length, 10);
    assert.equal(recorder.only('UpdateTable').length, 0);
  });

  it('twenty stores in one process: one table, one CreateTable', async () => {
    recorder.reset();
    const options = creating(unique('twenty'));
    const listeners = Array.from({ length: 20 }, listener);
    const stores = listeners.map(({ callback }) => new DynamoDBStore(options, callback));
    await Promise.all(stores.map((store, number) => store.set(`id ${number}`, { number }, HOUR)));
    await Promise.all(stores.map((store) => store.ready));
    assert.deepEqual(listeners.map(({ calls }) => calls.length), Array(20).fill(1));
    assert.deepEqual(listeners.filter(({ calls }) => calls[0][0]), []);
    assert.equal(recorder.only('CreateTable').length, 1);
    assert.deepEqual(await stores[0].get('id 19'), { number: 19 });
  });

  it('a store made for each request does not ask for the table each time', async (t) => {
    recorder.reset();
    const options = creating(unique('per-request'));
    class ContextStore extends DynamoDBStore {
      constructor() {
        super(options);
      }
    }
    const app = await serveFor(t, VERSIONS[0], { ContextStore }, (ctx) => { ctx.session.a = Math.random(); });
    const visitor = new Visitor(app.url);
    await visitor.get();
    const asked = recorder.only('DescribeTable').length;
    for (let i = 0; i < 5; i += 1) assert.equal((await visitor.get()).status, 200);
    assert.equal(recorder.only('DescribeTable').length, asked);
    assert.equal(recorder.only('CreateTable').length, 1);
  });

  it('the store waits for a table that another process is creating', async () => {
    recorder.reset();
    const name = unique('theirs');
    await rawTable(dynalite.endpoint, name).create();
    const store = new DynamoDBStore(creating(name));
    await store.set('a', { a: 1 }, HOUR);
    assert.deepEqual(await store.get('a'), { a: 1 });
    assert.deepEqual(recorder.only('CreateTable'), []);
  });

  it('another process was quicker: ResourceInUseException is not a failure', async () => {
    recorder.reset();
    const name = unique('quicker');
    const table = rawTable(dynalite.endpoint, name);
    recorder.answer('CreateTable', async () => {
      await table.create();
      return failure('ResourceInUseException', 'Table already exists');
    }, 1);
    const { calls, callback } = listener();
    const store = new DynamoDBStore(creating(name), callback);
    await store.set('a', { a: 1 }, HOUR);
    await store.ready;
    assert.deepEqual(calls.map(([err]) => err ?? null), [null]);
  });
});

describe('a table that is being deleted', () => {
  it('is created anew after its deletion', async () => {
    recorder.reset();
    const name = unique('deleted');
    const table = rawTable(dynalite.endpoint, name);
    await new DynamoDBStore(creating(name)).ready;
    await table.put({ sessionId: { S: 'old' } });
    await raw(dynalite.endpoint, 'DeleteTable', { TableName: name });
    assert.equal((await table.describe()).TableStatus, 'DELETING');
    const store = new DynamoDBStore(creating(name, { prefix: 'of another store, which has not seen it:' }));
    await store.set('a', { a: 1 }, HOUR);
    assert.deepEqual(await store.get('a'), { a: 1 });
    assert.equal((await table.scan()).length, 1);
  });

  it('gives ResourceNotFoundException, and createTableIfDontExists helps', async () => {
    const name = unique('gone');
    const store = new DynamoDBStore(creating(name));
    await store.ready;
    await raw(dynalite.endpoint, 'DeleteTable', { TableName: name });
    const { describe: look } = rawTable(dynalite.endpoint, name);
    await until('the table to be gone', () => look().then(() => false, (err) => err.code === 'ResourceNotFoundException'));
    assert.equal(await store.isTableCreated(), null);
    await assert.rejects(store.set('a', { a: 1 }, HOUR), { code: 'ResourceNotFoundException' });
    await store.createTableIfDontExists();
    await store.set('a', { a: 1 }, HOUR);
    assert.deepEqual(await store.get('a'), { a: 1 });
  });
});

describe('createTableIfDontExists', () => {
  it('is a promise', async () => {
    const name = unique('promise');
    const store = new DynamoDBStore(local(recorder.endpoint, name));
    await assert.rejects(store.set('a', { a: 1 }, HOUR), { code: 'ResourceNotFoundException' });
    await store.createTableIfDontExists();
    await store.set('a', { a: 1 }, HOUR);
    assert.deepEqual(await store.get('a'), { a: 1 });
    await store.createTableIfDontExists();
  });

  it('takes a callback', async () => {
    const store = new DynamoDBStore(local(recorder.endpoint, unique('callback')));
    const { calls, callback } = listener();
    await new Promise((resolve) => {
      store.createTableIfDontExists((...args) => {
        callback(...args);
        resolve();
      });
    });
    await store.set('a', { a: 1 }, HOUR);
    assert.equal(calls.length, 1);
    assert.ok(!calls[0][0]);
  });

  it('makes later requests wait', async () => {
    const store = new DynamoDBStore(local(recorder.endpoint, unique('wait')));
    await store.ready;
    const created = store.createTableIfDontExists();
    await store.set('a', { a: 1 }, HOUR);
    await created;
    await store.ready;
  });

  it('creates one table when it is called twice at once', async () => {
    recorder.reset();
    const store = new DynamoDBStore(local(recorder.endpoint, unique('twice')));
    await Promise.all([store.createTableIfDontExists(), store.createTableIfDontExists()]);
    assert.ok(recorder.only('CreateTable').length <= 2);
    await store.set('a', { a: 1 }, HOUR);
  });

  it('a callback that throws is an uncaught exception', async () => {
    const end = await runScript((Store, options) => {
      process.on('uncaughtException', (err) => console.log('uncaught', err.message));
      process.on('unhandledRejection', (err) => console.log('unhandled', err.message));
      new Store(options).createTableIfDontExists(() => { throw new Error('of the callback'); });
    }, [local(recorder.endpoint, unique('throws'))]);
    assert.deepEqual(end, {
      code: 0, signal: null, stdout: 'uncaught of the callback\n', stderr: '',
    });
  });
});

describe('the parts', () => {
  it('isTableCreated, createTable, updateTable, setTtlField do one thing each', async () => {
    recorder.reset();
    const name = unique('parts');
    const store = new DynamoDBStore(local(recorder.endpoint, name, { table: { readCapacityUnits: 6 } }));
    assert.equal(await store.isTableCreated(), null);
    await store.createTable();
    const state = await store.isTableCreated();
    assert.equal(state.describeTable.Table.TableName, name);
    assert.ok(state.describeTimeToLive.TimeToLiveDescription);
    await assert.rejects(store.createTable(), { code: 'ResourceInUseException' });
    const other = new DynamoDBStore(local(recorder.endpoint, name, { table: { readCapacityUnits: 9 } }));
    await other.updateTable();
    const [{ body }] = recorder.only('UpdateTable');
    assert.deepEqual(body.ProvisionedThroughput, { ReadCapacityUnits: 9, WriteCapacityUnits: 5 });
    await store.setTtlField(); // dynalite has no TTL, which is not an error
  });
});

describe('no autoCreate', () => {
  it('no request is about the table', async () => {
    recorder.reset();
    const name = unique('none');
    const store = new DynamoDBStore(local(recorder.endpoint, name), () => assert.fail('the callback must not be called'));
    await store.ready;
    assert.deepEqual(recorder.operations(), []);
  });

  it('a missing table: ResourceNotFoundException and a hint to set, the legacy message to get', async () => {
    const store = new DynamoDBStore(local(recorder.endpoint, unique('missing')));
    await assert.rejects(store.set('x', { a: 1 }, HOUR), (err) => {
      assert.equal(err.code, 'ResourceNotFoundException');
      assert.equal(err.name, 'ResourceNotFoundException');
      assert.match(err.hint, /autoCreate/);
      assert.equal(err.table, store.tableName);
      return true;
    });
    await assert.rejects(store.destroy('x'), { code: 'ResourceNotFoundException' });
    await assert.rejects(store.get('x'), { code: 'ResourceNotFoundException', message: 'Unable to get session.' });
  });
});
