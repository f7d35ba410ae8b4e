'use strict';

// Functions that fail, or that return what is no value of an attribute: a clear error of that `set`, and nothing is
// written.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const ExpressStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const { local, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const { serve, useIndexedTable, withAttributes } = require('./app');

const HOUR = 3600000;
const SECRET = 'SECRET-4711';
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useIndexedTable(engine);

const cookie = () => ({ originalMaxAge: HOUR, expires: new Date(Date.now() + HOUR).toISOString() });

/** Each class, and how it stores a session. */
const STORES = [
  [KoaStore, (store, session) => store.set(unique('id'), session, HOUR, { ctx: {} })],
  [ExpressStore, (store, session) => store.set(unique('id'), { ...session, cookie: cookie() })],
];

const BAD = {
  null: [() => null, /It returned null\./],
  NaN: [() => NaN, /It returned a number that is not finite\./],
  Infinity: [() => Infinity, /It returned a number that is not finite\./],
  'an empty string': [() => '', /It returned an empty string, which no index takes as a key: return undefined instead/],
  'a lone surrogate': [() => '\ud800', /It returned a string that is not valid Unicode\./],
  'a boolean': [() => true, /It returned a value of type boolean\./],
  'a bigint': [() => 1n, /It returned a value of type bigint\./],
  'an object': [() => ({ id: SECRET }), /It returned a value of type object\./],
  'an array': [() => [SECRET], /It returned an array\./],
  'a promise': [async () => SECRET, /It returned a promise: the function must be synchronous/],
  'a promise that fails': [async () => { throw new Error(SECRET); }, /It returned a promise: the function must be synchronous/],
};

describe('a function of `attributes` that returns', () => {
  Object.entries(BAD).forEach(([name, [compute, message]]) => {
    it(`${name}: the write fails, and nothing is sent`, async () => {
      for (const [Store, set] of STORES) {
        const store = new Store(local(recorder.endpoint, table.name, { attributes: { user_id: compute } }));
        recorder.reset();
        await assert.rejects(set(store, { user: SECRET }), (error) => {
          assert.equal(error.code, 'InvalidSessionError');
          assert.match(error.message, /^attributes\.user_id must return a string, a finite number or undefined\. /);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /SECRET/);
          return true;
        });
        assert.deepEqual(recorder.operations(), []);
      }
    });
  });
});

describe('a function of `attributes`', () => {
  it('that throws fails the write, with its error as the cause', async () => {
    const thrown = new Error('no user');
    for (const [Store, set] of STORES) {
      const attributes = { user_id: () => { throw thrown; } };
      const store = new Store(local(recorder.endpoint, table.name, { attributes }));
      recorder.reset();
      await assert.rejects(set(store, {}), (error) => {
        assert.equal(error.code, 'InvalidSessionError');
        assert.match(error.message, /attributes\.user_id cannot be computed/);
        assert.equal(error.cause, thrown);
        return true;
      });
      assert.deepEqual(recorder.operations(), []);
    }
  });

  it('that throws does not fail a load, nor a touch', async () => {
    const plain = new ExpressStore(local(engine.endpoint, table.name));
    const id = unique('id');
    await plain.set(id, { cookie: cookie(), page: 1 });
    const attributes = { user_id: (session) => session.user.id };
    const store = new ExpressStore(local(engine.endpoint, table.name, { attributes }));
    const session = await store.get(id);
    assert.equal(session.page, 1);
    await store.touch(id, session);
    await assert.rejects(store.set(id, Object.assign(session, { page: 2 })), { code: 'InvalidSessionError' });
    // Where it was not known before, it is written.
    await store.set(id, Object.assign(session, { user: { id: 'ada' } }));
    assert.deepEqual((await table.get(id)).user_id, { S: 'ada' });
  });

  it('gets the session as it is loaded, not the object of the framework', async () => {
    const seen = [];
    const attributes = { user_id: (session) => { seen.push(session); return session.user; } };
    const store = new KoaStore(local(engine.endpoint, table.name, { attributes }));
    const [id, ctx] = [unique('id'), {}];
    const at = new Date(0);
    const given = { user: 'ada', at, bytes: Buffer.from([1]) };
    await store.set(id, given, HOUR, { ctx });
    await store.get(id, HOUR, { ctx });
    assert.notEqual(seen[0], given);
    assert.deepEqual(seen[0], seen[1]);
    assert.equal(seen[0].at, at.toISOString());
    assert.ok(Buffer.isBuffer(seen[0].bytes));
  });

  frameworks.forEach((framework) => {
    it(`of ${framework.name} that fails is an error of the request, and nothing is written`, async (t) => {
      const id = unique('id');
      const store = new framework.Store(withAttributes(engine.endpoint, table.name));
      const app = await serve(t, framework, id, store);
      await app.signIn();
      const before = await table.get(id);
      const error = await app.fail('/?level=x');
      assert.match(String(error.cause?.message ?? error.message), /attributes\.level|a number that is not finite/);
      const { user_id: user, level } = await table.get(id);
      assert.deepEqual([user, level], [before.user_id, undefined]);
    });
  });

  it('that returns a number that DynamoDB does not hold fails the write', async () => {
    for (const [Store, set] of STORES) {
      const store = new Store(local(recorder.endpoint, table.name, { attributes: { level: () => 1e300 } }));
      recorder.reset();
      await assert.rejects(set(store, {}), (error) => {
        assert.equal(error.code, 'InvalidSessionError');
        assert.match(error.message, /the attribute `level` cannot be stored: a number outside DynamoDB's range/);
        return true;
      });
      assert.deepEqual(recorder.operations(), []);
    }
  });

  it('of which the index does not take the value: the reason is said, without the value', async () => {
    for (const [Store, set] of STORES) {
      const attributes = { user_id: () => 4711 };
      const store = new Store(local(engine.endpoint, table.name, { attributes }));
      await assert.rejects(set(store, {}), (error) => {
        assert.equal(error.code, 'InvalidSessionError');
        assert.equal(error.serviceCode, 'ValidationException');
        assert.match(error.message, /Type mismatch for Index Key user_id Expected: S Actual: N IndexName: by_user/);
        assert.doesNotMatch(JSON.stringify({ ...error }) + error.message, /4711/);
        return true;
      });
    }
  });
});

describe('the option `attributes`', () => {
  const refused = (attributes, more = {}) => STORES.map(([Store]) => {
    try {
      new Store(local(engine.endpoint, table.name, { attributes, ...more })); // eslint-disable-line no-new
    } catch (error) {
      return error;
    }
    throw new assert.AssertionError({ message: 'the option was accepted' });
  });
  const value = (session) => session.user;

  it('takes functions only', () => {
    [['user_id', TypeError, /attributes must be an object/], [5, TypeError, /attributes must be an object/],
      [{ user_id: 'user' }, TypeError, /attributes\.user_id must be a function of the session/]].forEach(([given, Type, message]) => {
      refused(given).forEach((error) => {
        assert.equal(error.constructor, Type);
        assert.match(error.message, message);
      });
    });
  });

  it('refuses the names that the store needs, and says which', () => {
    const names = ['session', 'created', 'rev', 'sealed', 'unit', 'gone', 'userKey', 'seen', 'sessionId', 'expires', '', 'n'.repeat(256)];
    names.forEach((name) => refused({ [name]: value }).forEach((error) => {
      assert.equal(error.constructor, RangeError, name);
      assert.equal(error.code, 'ConfigError');
      assert.match(error.message, /^attributes: (it must not be `|the name of an attribute must be 1 to 255 bytes long)/);
    }));
    refused({ pk: value }, { table: { hashKey: 'pk' } });
    refused({ until: value }, { table: { ttlKey: 'until' } });
    ['sess', 'type'].forEach((name) => {
      assert.throws(() => new ExpressStore(local(engine.endpoint, table.name, {
        layout: 'connect-dynamodb', attributes: { [name]: value },
      })), { name: 'RangeError' }, name);
    });
  });

  it('without a value is none', () => {
    [undefined, {}].forEach((attributes) => STORES.forEach(([Store]) => {
      new Store(local(engine.endpoint, table.name, { attributes })); // eslint-disable-line no-new
    }));
  });
});
