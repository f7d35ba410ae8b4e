'use strict';

// The class as frameworks and applications call it: callbacks and promises, what it refuses, and all sessions at once.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { before, describe, it } = require('node:test');
const { promisify } = require('node:util');
const session = require('express-session');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../../support/engine');
const express = require('../../support/express');
const fastify = require('../../support/fastify');
const { local, localAlone, unique } = require('../../support/options');
const { raw, rawTable } = require('../../support/raw');
const { failure, useRecorder } = require('../../support/recorder');
const { cleanEnv } = require('../../support/subprocess');
const { assertLives, attribute } = require('../../support/trace');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');
const { warningsOf } = require('../../support/warnings');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('store');
let table;
let store;

before(async () => {
  await recorder.started;
  table = rawTable(engine.endpoint, NAME);
  await table.create();
  store = new DynamoDBStore(local(recorder.endpoint, NAME));
});

const cookie = (ms = MINUTE) => ({
  originalMaxAge: ms, expires: new Date(Date.now() + ms).toISOString(), httpOnly: true, path: '/',
});
const inSeconds = (secs) => ({ N: String(Math.ceil(Date.now() / SECOND) + secs) });

// Runs a script in a process of its own; what it printed, and its exit code.
const script = (body) => promisify(execFile)(process.execPath, ['-e', `
  const DynamoDBStore = require(${JSON.stringify(require.resolve('koa-session-dynamodb-store/express'))});
  const store = new DynamoDBStore(${JSON.stringify(local(recorder.endpoint, NAME))});
  const cookie = { originalMaxAge: 60000, expires: null };
  process.on('unhandledRejection', (error) => console.log('unhandled', error.message));
  ${body}`], { env: cleanEnv(), timeout: 20000 });

describe('every method calls back once, after it returned, and its promise says the same', () => {
  const CALLS = {
    get: ['id'],
    set: ['id', { cookie: cookie(), a: 1 }],
    touch: ['id', { cookie: cookie(), a: 1 }],
    destroy: ['id'],
    all: [],
    length: [],
    clear: [],
    load: ['id'],
    regenerate: [{ sessionID: 'id' }],
  };
  const OPERATIONS = {
    get: 'GetItem', set: 'PutItem', touch: 'UpdateItem', destroy: 'DeleteItem', all: 'Scan', length: 'Scan', clear: 'Scan', load: 'GetItem', regenerate: 'DeleteItem',
  };

  // How a call went: what its callback got, what its promise said, and in what order things happened.
  const outcome = async (one, method, args) => {
    const calls = [];
    let returned = false;
    const called = new Promise((resolve) => {
      const promise = one[method](...args, (...given) => {
        assert.ok(returned, 'called back before it returned');
        calls.push(given);
        resolve();
      });
      returned = true;
      assert.ok(promise instanceof Promise);
      promise.then((value) => { calls.value = value; }, (error) => { calls.error = error; });
    });
    await called;
    await one.close();
    return calls;
  };

  const newStore = () => Object.assign(new DynamoDBStore(local(recorder.endpoint, NAME)), { generate() {} });

  Object.entries(CALLS).forEach(([method, args]) => {
    it(`${method}: what went well`, async () => {
      recorder.reset();
      await store.set('id', { cookie: cookie(), a: 1 });
      const calls = await outcome(newStore(), method, args);
      assert.equal(calls.length, 1);
      const [[error, value]] = calls;
      assert.equal(error, null);
      assert.deepEqual(value, calls.value);
      assert.ok(!('error' in calls));
    });

    it(`${method}: what failed`, async () => {
      recorder.reset();
      recorder.answer(OPERATIONS[method], failure('ResourceNotFoundException'));
      const calls = await outcome(newStore(), method, args);
      assert.equal(calls.length, 1);
      const [[error, ...more]] = calls;
      assert.equal(error.code, 'ResourceNotFoundException');
      assert.equal(error, calls.error);
      assert.deepEqual(more, []);
      recorder.reset();
    });

    it(`${method}: without a callback there is the promise`, async () => {
      recorder.reset();
      await newStore()[method](...args);
      recorder.answer(OPERATIONS[method], failure('ResourceNotFoundException'));
      await assert.rejects(newStore()[method](...args), { code: 'ResourceNotFoundException' });
      recorder.reset();
    });
  });

  it('a failure that only a callback hears is no unhandled rejection', async () => {
    recorder.reset();
    Object.values(OPERATIONS).forEach((operation) => recorder.answer(operation, failure('ResourceNotFoundException')));
    const { stdout } = await script(`
      store.generate = () => {};
      const session = { cookie };
      const calls = { get: ['x'], set: ['x', session], touch: ['x', session], destroy: ['x'], all: [], length: [], clear: [], load: ['x'], regenerate: [{ sessionID: 'x' }] };
      for (const [method, args] of Object.entries(calls)) store[method](...args, (error) => console.log(method, error.code));`);
    assert.deepEqual(stdout.trim().split('\n').sort(), Object.keys(CALLS).map((method) => `${method} ResourceNotFoundException`).sort());
    recorder.reset();
  });

  it('what a callback throws is thrown, outside of any promise, and the store goes on', async () => {
    recorder.reset();
    const { stdout } = await script(`
      process.on('uncaughtException', (error) => console.log('thrown', error.message));
      store.set('thrown', { cookie }, () => {
        setImmediate(() => store.get('thrown', (error, found) => {
          setImmediate(() => store.get('thrown').then(({ cookie }) => console.log('then', cookie.originalMaxAge)));
          throw new Error('of get ' + found.cookie.originalMaxAge);
        }));
        throw new Error('of set');
      });`);
    assert.deepEqual(stdout.trim().split('\n'), ['thrown of set', 'thrown of get 60000', 'then 60000']);
  });

  it('req.session.destroy() without a callback, which fails: a warning, and no unhandled rejection', async () => {
    recorder.reset();
    recorder.answer('DeleteItem', failure('ResourceNotFoundException'));
    const { stdout, stderr } = await script(`
      store.destroy('SECRET-ID', undefined);
      store.generate = () => {};
      store.regenerate({ sessionID: 'SECRET-ID' }, undefined);`);
    assert.equal(stdout, '');
    assert.match(stderr, /destroying a session failed .*ResourceNotFoundException/);
    assert.match(stderr, /regenerating a session failed .*ResourceNotFoundException/);
    assert.doesNotMatch(stderr, /SECRET-ID/);
    recorder.reset();
  });

  it('the callback keeps the asynchronous context of its caller', async () => {
    const { AsyncLocalStorage } = require('node:async_hooks'); // eslint-disable-line global-require
    const storage = new AsyncLocalStorage();
    const seen = await storage.run('mine', () => new Promise((resolve) => {
      store.get('x', () => resolve(storage.getStore()));
    }));
    assert.equal(seen, 'mine');
  });
});

describe('session data', () => {
  it('is stored as it is when set is called', async () => {
    const data = { cookie: cookie(), n: 1 };
    const stored = store.set('snapshot', data);
    data.n = 2;
    await stored;
    assert.equal((await store.get('snapshot')).n, 1);
  });

  it('that was got is the caller\'s own', async () => {
    await store.set('own', { cookie: cookie(), list: [1] });
    const [one, other] = await Promise.all([store.get('own'), store.get('own')]);
    one.list.push(2);
    assert.deepEqual(other.list, [1]);
    assert.deepEqual((await store.get('own')).list, [1]);
  });

  const BAD = {
    'no cookie': { a: 1 },
    'a cookie that is text': { cookie: 'x' },
    'a cookie that is null': { cookie: null },
    undefined,
    null: null,
    'a string': 'session',
    'a BigInt': { cookie: {}, n: 1n },
  };
  Object.entries(BAD).forEach(([name, data]) => {
    it(`${name}: an error, and nothing is sent`, async () => {
      recorder.reset();
      for (const method of ['set', 'touch']) {
        await assert.rejects(store[method]('x', data), { code: 'InvalidSessionError', status: 500 });
        const called = promisify(store[method]).call(store, 'x', data);
        await assert.rejects(called, { code: 'InvalidSessionError', status: 500 });
      }
      assert.deepEqual(recorder.operations(), []);
    });
  });

  it('a circular one says where', () => {
    const user = {};
    user.self = user;
    return assert.rejects(store.set('x', { cookie: cookie(), user }), { code: 'InvalidSessionError', message: /user\.self/ });
  });

  it('a toJSON of its own is what is stored', async () => {
    class Custom {
      cookie = cookie();

      toJSON() { return { cookie: this.cookie, custom: true }; }
    }
    await store.set('custom', new Custom());
    const { cookie: ignored, ...data } = await store.get('custom');
    assert.deepEqual(data, { custom: true });
  });

  const LIVES = {
    'a Date': [() => ({ expires: new Date(Date.now() + 5 * MINUTE) }), 5 * MINUTE],
    'ISO text': [() => ({ expires: new Date(Date.now() + 5 * MINUTE).toISOString() }), 5 * MINUTE],
    'milliseconds since 1970': [() => ({ expires: Date.now() + 5 * MINUTE }), 5 * MINUTE],
    'maxAge alone': [() => ({ maxAge: 5 * MINUTE }), 5 * MINUTE],
    'originalMaxAge alone': [() => ({ originalMaxAge: 5 * MINUTE }), 5 * MINUTE],
    'expires before maxAge': [() => ({ expires: new Date(Date.now() + 5 * MINUTE), maxAge: 1, originalMaxAge: 2 }), 5 * MINUTE],
    null: [() => ({ expires: null, originalMaxAge: null }), 86400 * SECOND],
    false: [() => ({ expires: false }), 86400 * SECOND],
    nothing: [() => ({}), 86400 * SECOND],
    'no date': [() => ({ expires: 'soon' }), 86400 * SECOND],
    'an invalid Date': [() => ({ expires: new Date(NaN), maxAge: NaN }), 86400 * SECOND],
  };
  Object.entries(LIVES).forEach(([name, [make, ms]]) => {
    it(`lives as its cookie says: ${name}`, async () => {
      const from = Date.now();
      await store.set('lives', { cookie: make() });
      assertLives(await table.get('lives'), from, Date.now(), ms);
    });
  });
});

describe('ids', () => {
  const BAD = {
    empty: '', 'over 2048 bytes': 'x'.repeat(2049), 'a lone surrogate': 'a\ud800', undefined, null: null, number: 5, object: {},
  };
  Object.entries(BAD).forEach(([name, id]) => {
    it(`${name}: a miss, an error to write, nothing to destroy`, async () => {
      recorder.reset();
      assert.equal(await store.get(id), undefined);
      assert.equal(await store.load(id), undefined);
      await assert.rejects(store.set(id, { cookie: cookie() }), { code: 'InvalidIdError' });
      await assert.rejects(store.touch(id, { cookie: cookie() }), { code: 'InvalidIdError' });
      await store.destroy(id);
      assert.deepEqual(recorder.operations(), []);
    });
  });

  it('a session is written under the id it is given alone, whatever it was loaded as', async () => {
    const [one, other] = [unique('one'), unique('other')];
    await store.set(one, { cookie: cookie(), a: 1, b: 2 });
    const earlier = await table.get(one);
    const loaders = {
      promise: () => store.get(one), callback: () => promisify(store.get).call(store, one), load: () => store.load(one),
    };
    for (const load of Object.values(loaders)) {
      const loaded = await load();
      await store.destroy(other);
      recorder.reset();
      await store.set(other, Object.assign(loaded, { b: 3 }));
      assert.deepEqual(recorder.operations(), ['PutItem']);
      const { a, b } = await store.get(other);
      assert.deepEqual([a, b], [1, 3]);
      assert.deepEqual(await table.get(one), earlier);
      // What it was loaded as still guards it.
      await store.touch(one, loaded);
      assert.deepEqual((await table.get(one)).session.M.b, { N: '2' });
    }
  });

  it('express: `req.sessionID` that the application changed', async (t) => {
    const [one, other] = [unique('one'), unique('other')];
    await store.set(one, { cookie: cookie(), user: 'Ada' });
    const earlier = await table.get(one);
    const app = await express.serveFor(t, store, { cookie: { maxAge: MINUTE } }, (request) => {
      request.sessionID = other;
    });
    await new Visitor(app.url, express.cookies(one)).get();
    assert.deepEqual(app.errors, []);
    assert.equal(await table.get(other), undefined);
    assert.deepEqual(await table.get(one), earlier);
  });
});

describe('touch', () => {
  it('of a session that is not there: nothing, and nothing is created', async () => {
    const id = unique('nobody');
    assert.equal(await store.touch(id, { cookie: cookie() }), undefined);
    const error = await new Promise((resolve) => { store.touch(id, { cookie: cookie() }, resolve); });
    assert.equal(error, null);
    assert.equal(await table.get(id), undefined);
  });

  it('of a session that has expired: nothing', async () => {
    const id = unique('expired');
    await table.putSession(id, attribute({ cookie: cookie(), a: 1 }), { expires: inSeconds(-1) });
    const earlier = await table.get(id);
    await store.touch(id, { cookie: cookie(), a: 1 });
    assert.deepEqual(await table.get(id), earlier);
  });

  it('moves the cookie and the expiry, and nothing else', async () => {
    const id = unique('touched');
    await store.set(id, { cookie: cookie(), a: 1, b: 2 });
    const earlier = await table.get(id);
    const from = Date.now();
    const later = cookie(10 * MINUTE);
    // Of a session object that the store has never seen, and that says something else.
    await store.touch(id, { cookie: later, a: 'other', c: 3 });
    const item = await table.get(id);
    assertLives(item, from, Date.now(), 10 * MINUTE);
    assert.deepEqual({ ...item, expires: earlier.expires }, {
      ...earlier, session: { M: { ...earlier.session.M, cookie: attribute(later) } },
    });
  });

  it('takes nothing for stored that was not', async () => {
    const id = unique('touched');
    await store.set(id, { cookie: cookie(), a: 1 });
    const loaded = await store.get(id);
    loaded.a = 2;
    await store.touch(id, loaded);
    assert.equal((await store.get(id)).a, 1);
    await store.set(id, loaded);
    assert.equal((await store.get(id)).a, 2);

    const strange = { cookie: cookie(), a: 3 };
    await store.touch(id, strange);
    await store.set(id, strange);
    assert.equal((await store.get(id)).a, 3);
  });
});

describe("express-session's own", () => {
  it('load: a session of its class, or nothing', async () => {
    await store.set('loaded', { cookie: cookie(), views: 1 });
    const loaded = await promisify(store.load).call(store, 'loaded');
    assert.ok(loaded instanceof session.Session);
    assert.equal(loaded.id, 'loaded');
    assert.equal(loaded.req.sessionStore, store);
    assert.equal(loaded.views, 1);
    assert.equal(await store.load(unique('none')), undefined);
    // It can be saved without a request.
    loaded.views = 2;
    await promisify((done) => loaded.save(done))();
    assert.equal((await store.get('loaded')).views, 2);
  });

  it('createSession: the session has nothing of ours in it, nor has what is asked for without a callback', async () => {
    const stored = { cookie: cookie(), views: 1 };
    await store.set('created', stored);
    assert.deepEqual(await store.get('created'), stored);
    const sess = await promisify(store.get).call(store, 'created');
    const req = { sessionID: 'created' };
    const made = store.createSession(req, sess);
    assert.equal(made, req.session);
    assert.deepEqual(Reflect.ownKeys(made).sort(), ['cookie', 'id', 'req', 'views']);
    assert.deepEqual(Object.keys(sess).sort(), ['cookie', 'views']);
    assert.ok(made.cookie instanceof session.Cookie);
    assert.deepEqual(made.cookie.expires, new Date(stored.cookie.expires));
    assert.equal(made.cookie.originalMaxAge, MINUTE);
  });

  it('createSession: of an object that did not come from the store', () => {
    const made = store.createSession({ sessionID: 'x' }, { cookie: { originalMaxAge: 1000, expires: null }, views: 1 });
    assert.ok(made instanceof session.Session);
    assert.equal(made.views, 1);
  });

  it('regenerate: the old session goes, and the new one is what express-session generates', async (t) => {
    const app = await express.serveFor(t, store, {}, async (request) => {
      const old = request.sessionID;
      request.session.views = 1;
      await promisify((done) => request.session.save(done))();
      await store.regenerate(request);
      assert.notEqual(request.sessionID, old);
      assert.equal(request.session.views, undefined);
      assert.equal(await table.get(old), undefined);
    });
    assert.equal((await new Visitor(app.url).get()).status, 200);
    assert.deepEqual(app.errors, []);
  });

  it('regenerate: what genid throws is an error like any other', async () => {
    const own = new DynamoDBStore(local(engine.endpoint, NAME));
    own.generate = () => { throw new Error('of genid'); };
    await assert.rejects(own.regenerate({ sessionID: 'x' }), { message: 'of genid' });
    const error = await new Promise((resolve) => { own.regenerate({ sessionID: 'x' }, resolve); });
    assert.equal(error.message, 'of genid');
  });

  it('is an EventEmitter, and each store has its own', () => {
    const [one, other] = [1, 2].map(() => new DynamoDBStore(local(engine.endpoint, NAME)));
    let heard = 0;
    one.on('connect', () => { heard += 1; });
    other.emit('connect');
    assert.equal(heard, 0);
    one.emit('connect');
    assert.equal(heard, 1);
  });
});

describe('errors', () => {
  [
    ['get', 'GetItem', []], ['set', 'PutItem', [{ cookie: cookie() }]], ['destroy', 'DeleteItem', []], ['all', 'Scan', []],
  ].forEach(([method, operation, args]) => {
    it(`of ${method} keep the status of the service apart from what a visitor is answered with`, async () => {
      recorder.reset();
      recorder.answer(operation, failure('ValidationException', 'boom'));
      await assert.rejects(store[method]('x', ...args), (error) => {
        assert.deepEqual([error.status, error.statusCode, error.serviceStatusCode], [500, 500, 400]);
        assert.equal(error.table, NAME);
        return true;
      });
      recorder.reset();
    });
  });

  // What a credentials provider that reads a file throws would mean "no session" to both frameworks.
  [express, fastify].forEach((framework) => {
    it(`${framework.name}: a file that is missing is no session that is missing`, async (t) => {
      const missing = Object.assign(new Error('no such file: /secret/path'), { code: 'ENOENT' });
      const dynamoConfig = {
        accessKeyId: undefined, secretAccessKey: undefined, credentials: async () => { throw missing; },
      };
      const own = new DynamoDBStore(local(engine.endpoint, NAME, { dynamoConfig }));
      const app = await framework.serveFor(t, own, {}, () => ({ ok: true }));
      const { status, body } = await new Visitor(app.url, framework.cookies('x')).get();
      assert.equal(status, 500);
      assert.equal(body.message, 'Unable to get session.');
      assert.equal(app.errors[0].code, 'CredentialsError');
    });
  });

  it('fastify: a session that cannot be stored is 500, and the message says where and not what', async (t) => {
    const app = await fastify.serveFor(t, store, {}, (request) => { request.session.cart = { secret: 12345678901n }; });
    const { status, body } = await new Visitor(app.url).get();
    assert.equal(status, 500);
    assert.match(body.message, /cart\.secret is a BigInt/);
    assert.doesNotMatch(JSON.stringify(body), /12345678901/);
  });
});

describe('all sessions', () => {
  const open = (more) => new DynamoDBStore(local(recorder.endpoint, NAME, more));
  const ids = (sessions) => sessions.map(({ id }) => id).sort();

  // More than one page (1 MB), and what must not be counted among them.
  const filled = async (prefix) => {
    const text = 'x'.repeat(150000);
    const names = Array.from({ length: 12 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    for (const name of names) await table.putSession(`${prefix}${name}`, attribute({ cookie: cookie(), name, text }));
    for (const name of ['gone1', 'gone2']) {
      await table.putSession(`${prefix}${name}`, attribute({ cookie: cookie(), name, text }), { expires: inSeconds(-1) });
    }
    await table.putSession(`other-${prefix}`, attribute({ cookie: cookie(), text }));
    return names;
  };

  it('all, length: every page, no expired ones, none of another prefix', async () => {
    const prefix = unique('all');
    const names = await filled(prefix);
    recorder.reset();
    const sessions = await open({ prefix }).all();
    assert.ok(recorder.only('Scan').length > 1, 'one page');
    assert.deepEqual(ids(sessions), names);
    sessions.forEach(({ id, name, cookie: { originalMaxAge } }) => {
      assert.equal(name, id);
      assert.equal(originalMaxAge, MINUTE);
    });
    recorder.reset();
    assert.equal(await open({ prefix }).length(), names.length);
    assert.ok(recorder.only('Scan').length > 1, 'one page');
  });

  it('all: rows that are no sessions of the frameworks are left out', async () => {
    const prefix = unique('rows');
    await table.putSession(`${prefix}session`, attribute({ cookie: cookie() }));
    await table.putSession(`${prefix}koa`, attribute({ user: 'Ada', _expire: 1 }));
    await table.putSession(`${prefix}text`, { S: 'x' });
    await table.putSession(`${prefix}future`, { B: Buffer.from([7, 1]).toString('base64') });
    await table.put({ sessionId: { S: `${prefix}ghost` }, expires: inSeconds(60) });
    assert.deepEqual(ids(await open({ prefix }).all()), ['session']);
  });

  it('all: what is written back is guarded, like any session that was loaded', async () => {
    const prefix = unique('back');
    const own = open({ prefix });
    await own.set('a', { cookie: cookie(), n: 1 });
    await own.set('b', { cookie: cookie(), n: 1 });
    const sessions = await own.all();
    await own.destroy('a');
    for (const { id, ...rest } of sessions) assert.deepEqual(Object.keys(rest).sort(), ['cookie', 'n']);
    await Promise.all(sessions.map((one) => own.set(one.id, Object.assign(one, { n: 2 }))));
    assert.equal(await own.get('a'), undefined);
    assert.equal((await own.get('b')).n, 2);
  });

  it('clear: all of the prefix, expired or not, in batches, and what was left undone again', async () => {
    const prefix = unique('clear');
    const names = await filled(prefix);
    for (let index = 0; index < 40; index += 1) await table.putSession(`${prefix}${index}`, attribute({ cookie: cookie() }));
    recorder.reset();
    // The service does half of a batch and leaves the rest to be asked for again, twice.
    recorder.answer('BatchWriteItem', async ({ body }) => {
      const [deletes] = Object.values(body.RequestItems);
      const half = Math.floor(deletes.length / 2);
      await raw(engine.endpoint, 'BatchWriteItem', { RequestItems: { [NAME]: deletes.slice(0, half) } });
      return { body: { UnprocessedItems: { [NAME]: deletes.slice(half) } } };
    }, 2);
    const own = open({ prefix });
    assert.equal(await own.clear(), names.length + 2 + 40);
    assert.equal(await own.length(), 0);
    const batches = recorder.only('BatchWriteItem').map(({ body }) => Object.values(body.RequestItems)[0].length);
    assert.ok(batches.every((size) => size <= 25), `${batches}`);
    for (const id of [...names, 'gone1', 'gone2']) assert.equal(await table.get(prefix + id), undefined);
    assert.ok(await table.get(`other-${prefix}`));
  });

  it('of a table that is empty', async () => {
    const own = open({ prefix: unique('nothing') });
    assert.deepEqual(await own.all(), []);
    assert.equal(await own.length(), 0);
    await own.clear();
  });

  ['connect-dynamodb', 'dynamodb-store'].forEach((layout) => {
    it(`layout: '${layout}'`, async () => {
      const name = unique(layout);
      const hashKey = layout === 'connect-dynamodb' ? 'id' : 'sessionId';
      const own = rawTable(engine.endpoint, name, hashKey);
      await own.create();
      const theirs = new DynamoDBStore(local(engine.endpoint, name, { layout }));
      await theirs.set('a', { cookie: cookie(), n: 1 });
      await theirs.set('b', { cookie: cookie(), n: 2 });
      await own.put({ [hashKey]: { S: 'sess:ghost' }, expires: inSeconds(60) });
      const all = await theirs.all();
      assert.deepEqual(all.map(({ id, n }) => [id, n]).sort(), [['a', 1], ['b', 2]]);
      assert.equal(await theirs.length(), 2);
      await theirs.clear();
      assert.deepEqual(await theirs.all(), []);
    });
  });
});

describe('options', () => {
  const BAD = [
    [{ layout: 'connect-redis' }, RangeError, /^layout must be one of connect-dynamodb, dynamodb-store/],
    [{ layout: 5 }, TypeError, /^layout/],
    [{ layout: null }, TypeError, /^layout/],
    [{ layout: 'toString' }, RangeError, /^layout/],
    [{ conflict: 'last' }, RangeError, /^conflict must be one of merge, overwrite/],
    [{ touchAfter: '1m' }, TypeError, /^touchAfter/],
    [{ touchAfter: -1 }, RangeError, /^touchAfter/],
    [{ absoluteMaxAge: 0 }, RangeError, /^absoluteMaxAge/],
    [{ prefix: 5 }, TypeError, /^prefix/],
    [{ sessionTtl: '1d' }, TypeError, /^sessionTtl/],
    [{ table: { name: '' } }, RangeError, /^table\.name/],
    [{ layout: 'connect-dynamodb', table: { hashKey: 'expires' } }, RangeError, /^table\.ttlKey/],
    [null, TypeError, /^options/],
  ];
  BAD.forEach(([options, Type, message]) => {
    it(JSON.stringify(options), () => {
      assert.throws(() => new DynamoDBStore(options), (error) => {
        assert.equal(error.constructor, Type);
        assert.match(error.message, message);
        return true;
      });
    });
  });

  it('a callback that is none', () => {
    assert.throws(() => new DynamoDBStore(local(engine.endpoint, NAME), 'x'), { name: 'TypeError', message: /callback/ });
  });

  it('unknown names are warned about, and layout is none of the Koa store', async () => {
    const warnings = await warningsOf(() => {
      new DynamoDBStore(local(engine.endpoint, NAME, { ttl: 5, layout: 'dynamodb-store' })); // eslint-disable-line no-new
      new KoaStore(local(engine.endpoint, NAME, { layout: 'connect-dynamodb' })); // eslint-disable-line no-new
    });
    assert.equal(warnings.length, 2);
    assert.match(warnings[0], /option ttl is unknown/);
    assert.match(warnings[1], /option layout is unknown/);
  });

  it('are shown as the Koa store shows them', () => {
    const options = local(engine.endpoint, 'shown', { table: { hashKey: 'h', ttlKey: 't', readCapacityUnits: '7' } });
    const PROPERTIES = ['tableName', 'hashKey', 'ttlKey', 'readCapacityUnits', 'writeCapacityUnits', 'isLocal',
      'useTtlExpired', 'autoCreateTable'];
    const [mine, koa] = [DynamoDBStore, KoaStore].map((Store) => {
      const made = new Store(options);
      return PROPERTIES.map((property) => made[property]);
    });
    assert.deepEqual(mine, koa);
    assert.equal(new DynamoDBStore(local(engine.endpoint, 'shown', { layout: 'connect-dynamodb' })).hashKey, 'id');
    assert.equal(new DynamoDBStore(local(engine.endpoint, 'shown', { layout: 'dynamodb-store' })).hashKey, 'sessionId');
  });
});

describe('the table', () => {
  it('is created during construction, with the key of the layout; calls wait; the callback is called once', async () => {
    const name = unique('auto');
    let called = 0;
    const own = new DynamoDBStore(local(engine.endpoint, name, { layout: 'connect-dynamodb', table: { autoCreate: true } }), (error) => {
      assert.equal(error, undefined);
      called += 1;
    });
    await own.set('a', { cookie: cookie() });
    await own.ready;
    assert.equal((await rawTable(engine.endpoint, name, 'id').describe()).KeySchema[0].AttributeName, 'id');
    assert.ok(await own.get('a'));
    assert.equal(called, 1);
  });

  it('is created when asked for, with a callback or a promise', async () => {
    await new DynamoDBStore(local(engine.endpoint, unique('asked'))).createTableIfDontExists();
    const error = await new Promise((resolve) => {
      new DynamoDBStore(local(engine.endpoint, unique('asked'))).createTableIfDontExists(resolve);
    });
    assert.equal(error, undefined);
  });

  it('that is missing: the error of the first visitor says what to do', async (t) => {
    const app = await express.serveFor(t, new DynamoDBStore(local(engine.endpoint, unique('missing'))), {}, () => {});
    assert.equal((await new Visitor(app.url, express.cookies('x')).get()).status, 500);
    assert.equal(app.errors[0].code, 'ResourceNotFoundException');
    assert.match(app.errors[0].hint, /autoCreate/);
  });
});

describe('events', () => {
  it('are told to those who listen, of what frameworks never hear', async () => {
    const own = new DynamoDBStore(localAlone(recorder.endpoint, NAME));
    const heard = [];
    ['conflict', 'unreadable', 'retry', 'throttled'].forEach((name) => own.on(name, (event) => heard.push([name, event])));
    recorder.reset();
    const id = unique('id');
    await own.set(id, { cookie: cookie() });
    const loaded = await own.get(id);
    await own.destroy(id);
    await own.set(id, Object.assign(loaded, { a: 1 }));
    await table.putSession(id, { S: 'x' });
    await own.get(id);
    recorder.answer('GetItem', failure('ThrottlingException'), 1);
    await own.get(id);
    await until('the events', () => heard.length >= 5);
    assert.deepEqual(heard.map(([name]) => name).sort(), ['conflict', 'retry', 'throttled', 'unreadable', 'unreadable']);
    assert.ok(!JSON.stringify(heard).includes(id));
    assert.match(heard.find(([name]) => name === 'conflict')[1].idHash, /^[0-9a-f]{16}$/);
  });

  it('are told once to each listener, however it listens', async () => {
    const own = new DynamoDBStore(localAlone(recorder.endpoint, NAME));
    const heard = [];
    own.once('unreadable', () => heard.push('once'));
    own.prependListener('unreadable', () => heard.push('first'));
    own.on('unreadable', () => heard.push('on'));
    const id = unique('id');
    await table.putSession(id, { S: 'x' });
    await own.get(id);
    await own.get(id);
    await until('the events', () => heard.length >= 5);
    assert.deepEqual(heard, ['first', 'once', 'on', 'first', 'on']);
    assert.deepEqual(own.eventNames(), ['unreadable']);
  });
});

it('stats count what was done, and what nothing guarded', async () => {
  const own = new DynamoDBStore(localAlone(recorder.endpoint, NAME));
  const id = unique('id');
  await own.set(id, { cookie: cookie() });
  const loaded = await own.get(id);
  await own.set(id, Object.assign(loaded, { a: 1 }));
  const { operations, unguardedWrites, conflicts } = own.stats();
  assert.deepEqual(Object.entries(operations).map(([name, { calls }]) => [name, calls]).sort(), [
    ['GetItem', 1], ['PutItem', 1], ['UpdateItem', 1],
  ]);
  assert.deepEqual([unguardedWrites, conflicts], [1, 0]);
});

it('close waits for the calls under way', async () => {
  let done = false;
  store.set('closing', { cookie: cookie() }, () => { done = true; });
  await store.close();
  assert.equal(done, true);
});

it('can be imported as an ES module', async () => {
  const module = await import('koa-session-dynamodb-store/express');
  assert.equal(module.default, DynamoDBStore);
  assert.equal(module.DynamoDBStore, DynamoDBStore);
  assert.equal(DynamoDBStore.default, DynamoDBStore);
});
