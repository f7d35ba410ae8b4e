'use strict';

// One table, with the published legacy package (on its aws-sdk 2) and this one: each reads the items of the other.

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const AWS = require('aws-sdk');
const Legacy = require('legacy');
const legacyPackage = require('legacy/package.json');
const DynamoDBStore = require('koa-session-dynamodb-store');
const sessionsOf = require('../fixtures/sessions');
const { useEngine } = require('../support/engine');
const { serve, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');

const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('legacy');
const HOUR = 3600000;
let legacy;
let store;
let table;

const client = new AWS.DynamoDB.DocumentClient({ region: 'local' });
const sessions = sessionsOf({ createSet: (values) => client.createSet(values) });

// No fixture may get lost.
const NAMES = [
  'empty', 'flat', 'koa-session 7', "koa-session, maxAge 'session'", 'nested', 'nested to the limit', 'lists',
  'empty values', 'unicode', 'escapes', 'numbers', 'numbers at the limits', 'negative zero', 'numbers that are text',
  'booleans', 'nulls', 'buffers', 'a large buffer', 'a large text', 'many fields', 'string set', 'number set',
  'binary set', 'sets, nested', 'keys that order themselves', 'keys of DynamoDB', 'keys with everything in them',
  'keys of Object', 'dates as text', 'undefined and functions in objects',
];

const SETS = ['string set', 'number set', 'binary set', 'sets, nested'];

before(async () => {
  await recorder.started;
  table = rawTable(engine.endpoint, NAME);
  await table.create();
  legacy = new Legacy(local(engine.endpoint, NAME));
  store = new DynamoDBStore(local(engine.endpoint, NAME));
});

// Sets are objects of a class of the SDK. They are compared without the class and without an order.
const plain = (value) => {
  if (Buffer.isBuffer(value) || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value.wrapperName === 'Set' && Object.getPrototypeOf(value) !== Object.prototype) {
    return { set: value.type, values: value.values.map(plain).sort() };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
};
const inJson = (value) => JSON.parse(JSON.stringify(value, (key, item) => (
  key === 'set' && Array.isArray(item) ? [...item].sort() : item)));

it('the legacy package is the published one', () => {
  assert.equal(legacyPackage.name, 'koa-session-dynamodb-store');
  assert.equal(legacyPackage.version, '1.1.1');
  assert.notEqual(Legacy, DynamoDBStore);
  assert.match(AWS.VERSION, /^2\./);
});

it('every fixture exists', () => assert.deepEqual(Object.keys(sessions), NAMES));

describe('this package reads items of the legacy package as that package does', () => {
  NAMES.forEach((name) => {
    it(name, async () => {
      const id = unique(name);
      await legacy.set(id, sessions[name], HOUR);
      const [theirs, ours] = [await legacy.get(id), await store.get(id)];
      assert.deepEqual(plain(ours), plain(theirs));
      assert.deepEqual(inJson(ours), inJson(theirs));
    });
  });
});

describe('the legacy package reads items of this package', () => {
  NAMES.forEach((name) => {
    it(name, async () => {
      const id = unique(name);
      await store.set(id, sessions[name], HOUR);
      const [theirs, ours] = [await legacy.get(id), await store.get(id)];
      assert.deepEqual(plain(theirs), plain(ours));
    });
  });
});

describe('this package stores items of the legacy package again unchanged', () => {
  NAMES.forEach((name) => {
    it(name, async () => {
      const id = unique(name);
      await legacy.set(id, sessions[name], HOUR);
      const [earlier, read] = [await table.get(id), await legacy.get(id)];
      await store.set(id, await store.get(id), HOUR);
      assert.deepEqual((await table.get(id)).session, earlier.session);
      assert.deepEqual(plain(await legacy.get(id)), plain(read));
    });
  });
});

describe('the legacy package stores items of this package again unchanged', () => {
  NAMES.forEach((name) => {
    it(name, async () => {
      const id = unique(name);
      await store.set(id, sessions[name], HOUR);
      const [earlier, read] = [await table.get(id), await store.get(id)];
      await legacy.set(id, await legacy.get(id), HOUR);
      const after = await table.get(id);
      assert.deepEqual(after.session, earlier.session);
      assert.deepEqual([after.created, after.rev], [undefined, undefined], "the legacy package's Put erases them, which is legal");
      assert.deepEqual(await store.get(id), read);
    });
  });
});

it('both write the same items, except `created`, `rev` and the rounding of `expires`', async () => {
  for (const name of NAMES.filter((each) => !SETS.includes(each))) {
    const [mine, theirs] = [unique(name), unique(name)];
    await store.set(mine, sessions[name], HOUR);
    await legacy.set(theirs, sessions[name], HOUR);
    const { created, rev, ...item } = await table.get(mine);
    const other = await table.get(theirs);
    assert.deepEqual(item.session, other.session, name);
    assert.deepEqual(Object.keys(item).sort(), Object.keys(other).sort());
    assert.ok(Math.abs(item.expires.N - other.expires.N) <= 2);
  }
});

it('a new set of the DocumentClient is stored as the result of its toJSON: a list', async () => {
  // Only a property distinguishes it from an application's own object, and any application can set that property. Sets
  // that are in the table stay sets: see above.
  await store.set('new set', sessions['string set'], HOUR);
  assert.deepEqual((await store.get('new set')).set, ['a', 'b', 'ç']);
  assert.deepEqual((await legacy.get('new set')).set, ['a', 'b', 'ç']);
});

it('fields come back in the order the service gives them', async () => {
  recorder.reset();
  const M = {
    z: { N: '1' }, a: { M: { y: { S: 'x' }, b: { B: 'YQ==' } } }, 9: { N: '9' }, 1: { N: '1' }, k: { L: [] },
  };
  for (const fields of [M, { ...M, a: { M: {} } }]) {
    const [mine, theirs] = [DynamoDBStore, Legacy].map((Store) => new Store(local(recorder.endpoint, NAME)));
    recorder.answer('GetItem', {
      body: { Item: { session: { M: fields }, sessionId: { S: 'x' }, expires: { N: '9999999999' } } },
    });
    assert.equal(JSON.stringify(await mine.get('x')), JSON.stringify(await theirs.get('x')));
  }
});

it('each destroys sessions of the other', async () => {
  const [mine, theirs] = [unique('mine'), unique('theirs')];
  await store.set(mine, { a: 1 }, HOUR);
  await legacy.set(theirs, { a: 1 }, HOUR);
  await legacy.destroy(mine);
  await store.destroy(theirs);
  assert.equal(await store.get(mine), undefined);
  // For that package a tombstone is a session that koa-session refuses as expired: see tombstones.test.js.
  assert.deepEqual(await legacy.get(theirs), { _expire: 1 });
});

it('other names and layouts of the legacy options are the same', async () => {
  const name = unique('named');
  await rawTable(engine.endpoint, name, 'sid').create();
  const options = local(engine.endpoint, name, { table: { hashKey: 'sid', ttlKey: 'until' } });
  const [old, now] = [new Legacy(options), new DynamoDBStore(options)];
  await old.set('a', { by: 'legacy' }, HOUR);
  await now.set('b', { by: 'ours' }, HOUR);
  assert.deepEqual(await now.get('a'), { by: 'legacy' });
  assert.deepEqual(await old.get('b'), { by: 'ours' });
});

it('the class is the same to its users', () => {
  const PROPERTIES = ['tableName', 'hashKey', 'ttlKey', 'readCapacityUnits', 'writeCapacityUnits', 'isLocal',
    'useTtlExpired', 'autoCreateTable'];
  const of = (Store, options) => {
    const made = new Store(options);
    return Object.fromEntries(PROPERTIES.map((property) => [property, made[property]]));
  };
  for (const options of [
    { dynamoConfig: { region: 'local' } },
    { dynamoConfig: { region: 'eu-west-1' } },
    local('http://127.0.0.1:1', 'other', {
      table: {
        hashKey: 'h', ttlKey: 't', readCapacityUnits: '7', writeCapacityUnits: 8, useTtlExpired: false,
      },
    }),
    { dynamoConfig: { region: 'us-local-1' } },
  ]) assert.deepEqual(of(DynamoDBStore, options), of(Legacy, options));
  for (const method of ['isTableCreated', 'createTable', 'updateTable', 'setTtlField', 'createTableIfDontExists',
    'getExpirationDate', 'get', 'set', 'destroy']) {
    assert.equal(typeof Legacy.prototype[method], 'function');
    assert.equal(typeof DynamoDBStore.prototype[method], 'function', method);
  }
  const made = [new DynamoDBStore({ dynamoConfig: { region: 'local' } }), new Legacy({ dynamoConfig: { region: 'local' } })];
  const [ours, theirs] = made.map((each) => each.getExpirationDate(HOUR));
  assert.ok(ours instanceof Date);
  assert.ok(Math.abs(ours - theirs) < 1000);
});

VERSIONS.forEach((version) => {
  it(`${version.name}: sessions survive an upgrade and a rollback`, async () => {
    const apps = [legacy, store].map((each) => serve(version, { store: each }, (ctx) => {
      ctx.session.views = (ctx.session.views || 0) + 1;
      ctx.session.bytes ||= Buffer.from('first');
      return { views: ctx.session.views, bytes: String(ctx.session.bytes) };
    }));
    const [old, current] = await Promise.all(apps);
    try {
      const visitor = new Visitor(old.url);
      let views = 0;
      for (const app of [old, old, current, current, old, old, current, old]) {
        visitor.url = app.url;
        views += 1;
        assert.deepEqual((await visitor.get()).body, { views, bytes: 'first' });
      }
      assert.deepEqual([...old.errors, ...current.errors, ...old.events, ...current.events], []);
    } finally {
      await old.stop();
      await current.stop();
    }
  });
});
