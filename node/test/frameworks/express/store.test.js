'use strict';

// The class as frameworks and applications call it: callbacks and promises, and what it refuses.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const { promisify } = require('node:util');
const session = require('express-session');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const express = require('../../support/express');
const { local, unique } = require('../../support/options');
const { failure } = require('../../support/recorder');
const { assertDeleted } = require('../../support/tombstone');
const { assertLives, attribute } = require('../../support/trace');
const Visitor = require('../../support/visitor');
const {
  cookie, createTable, engine, inSeconds, MINUTE, NAME, recorder, script, SECOND,
} = require('./table');

let table;
let store;

before(async () => { ({ table, store } = await createTable()); });

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
    get: 'GetItem', set: 'PutItem', touch: 'UpdateItem', destroy: 'PutItem', all: 'Scan', length: 'Scan', clear: 'Scan', load: 'GetItem', regenerate: 'PutItem',
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
    recorder.answer('PutItem', failure('ResourceNotFoundException'));
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
      // In place of an id, a session can be given that was listed.
      if (name === 'object') await assert.rejects(store.destroy(id), { code: 'InvalidSessionError' });
      else await store.destroy(id);
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
      // As a new session: the first one finds the tombstone, and the second one replaces it.
      assert.deepEqual(recorder.operations(), ['PutItem', 'PutItem']);
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
    // What the session says of its lifetime is new to the store, so it is a state of its own.
    assert.deepEqual({ ...item, expires: earlier.expires, rev: earlier.rev }, {
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
      assertDeleted(await table.get(old));
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
