'use strict';

// Session data as an attacker, or a bug of the application, makes them: stored as docs/session-data.md says, or refused
// with nothing written, whether the store is called directly or by koa-session.
// ../frameworks/koa/bad-input.test.js has what cannot be stored, ../unit/session-data.test.js has every type.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useDynalite } = require('../support/dynalite');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { localAlone, unique } = require('../support/options');
const useTable = require('../support/table');
const Visitor = require('../support/visitor');

const engine = useEngine();
const table = useTable(engine, 'data');
let store;

before(async () => {
  await engine.started;
  store = new DynamoDBStore(localAlone(engine.endpoint, table.name));
});

// `__proto__` as a field, which only JSON can say.
const parsed = (text) => JSON.parse(text);
const nested = (levels) => parsed(`${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`);
const fields = (count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
const BYTES = Buffer.from([1, 2]);

const assertClean = () => {
  assert.equal({}.polluted, undefined);
  assert.equal([].polluted, undefined);
  assert.equal(Object.prototype.toString.call({}), '[object Object]');
};

// By name: a function that makes the session, and the loaded session.
const KEPT = {
  '__proto__ in a field': [() => ({ a: parsed('{"__proto__":{"polluted":1},"b":1}') })],
  '__proto__ in a list, beside a Buffer': [() => ({ a: [parsed('{"__proto__":{"polluted":1}}')], bytes: BYTES })],
  '__proto__ of a Map': [
    () => ({ a: new Map([['__proto__', { polluted: 1 }]]) }), { a: parsed('{"__proto__":{"polluted":1}}') }],
  'constructor.prototype': [() => ({ constructor: { prototype: { polluted: 1 } }, a: { constructor: { prototype: { polluted: 1 } } } })],
  'a path as a name': [() => ({ 'constructor.prototype.polluted': 1, '__proto__.polluted': 1, 'a[0].b': 1 })],
  'names of Object.prototype': [() => ({
    hasOwnProperty: 1, valueOf: 'x', toString: null, isPrototypeOf: [],
  })],
  'toJSON that is no function': [() => ({ a: { toJSON: 'x' }, b: { toJSON: null, bytes: BYTES } })],
  'then that is no function': [() => ({ then: 'x', a: { then: {} } })],
  'what looks like a Buffer, a set, a Date': [() => ({
    buffer: { type: 'Buffer', data: [1] }, set: { wrapperName: 'Set', type: 'String', values: ['a'] }, date: '1970-01-01T00:00:00.000Z',
  })],
  'what looks like an attribute': [() => ({
    S: 'x', M: { M: {} }, a: { N: '1' }, b: { L: [{ NULL: true }] },
  })],
  'what looks like an expression': [() => ({
    '#n': 1, ':v': 2, 'SET a': 3, 'attribute_exists(x)': 4, size: 5, '': undefined,
  })],
  'control characters and all planes': [() => ({ '\u0000': '\u0000', '\u001f\u007f': '\u2028', '\u{1f600}': '\u{10ffff}' })],
  'an object that says it is another': [
    () => ({ a: { [Symbol.toStringTag]: 'Uint8Array', length: 1, 0: 7 } }), { a: { length: 1, 0: 7 } }],
  'an object with the prototype of another': [
    () => ({ a: Object.create(Set.prototype), b: Object.create(Uint8Array.prototype) }), { a: {}, b: {} }],
  'objects of other classes': [
    () => ({
      error: new RangeError('x'), regexp: /x/, promise: Promise.resolve(1), weak: new WeakMap(),
    }),
    {
      error: {}, regexp: {}, promise: {}, weak: {},
    }],
  'a Proxy': [() => ({ a: new Proxy({ b: new Proxy([1, 2], {}) }, {}) }), { a: { b: [1, 2] } }],
  'symbols, and what is not enumerable': [
    () => ({ a: Object.defineProperty({ [Symbol('x')]: 1 }, 'hidden', { value: 1 }) }), { a: {} }],
  'numbers JavaScript has no more exactly': [() => ({ a: [2 ** 53 + 2, 1e21, 123456789012345680000, 9.99e125, 1e-130] })],
  '-0': [() => ({ a: -0 }), { a: 0 }],
  'lone surrogates in values': [() => ({ a: '\ud800', b: ['x\udc00y', '\udc00\ud800'] }), { a: '\ufffd', b: ['x\ufffdy', '\ufffd\ufffd'] }],
  'lone surrogates in names': [() => ({ 'x\ud800': 1, a: { '\udc00': 2 } }), { 'x\ufffd': 1, a: { '\ufffd': 2 } }],
  'names that lone surrogates make one: the last one': [() => ({ a: { '\ud800': 1, '\ud801': 2 } }), { a: { '\ufffd': 2 } }],
  '31 levels': [() => nested(31)],
  '31 levels, beside a Buffer': [() => ({ ...nested(31), bytes: BYTES })],
  '1 000 fields in one': [() => ({ a: fields(1000) })],
};

const endless = () => new Proxy({}, {
  ownKeys: () => ['a'],
  getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  get: (_, name) => (name === 'a' ? endless() : undefined),
});
const throwing = (trap) => new Proxy({}, { [trap]() { throw new Error(`of ${trap}`); } });
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

// By name: a function that makes the session, the code of the store's error, and a part of its message.
const REFUSED = {
  '32 levels': [() => nested(32), 'InvalidSessionError', /a\.a\.a.*31|levels/],
  '32 levels, beside a Buffer': [() => ({ ...nested(32), bytes: BYTES }), 'InvalidSessionError', /levels/],
  '1 000 000 fields': [() => fields(1e6), 'ItemTooLargeError', /409600/],
  '100 000 fields, in one and beside a Buffer': [() => ({ a: fields(1e5), bytes: BYTES }), 'ItemTooLargeError', /409600/],
  'a Proxy that throws when it is listed': [() => ({ a: throwing('ownKeys') }), 'InvalidSessionError', /a throws/],
  'a Proxy that throws when it is read': [() => ({ a: { b: throwing('get') } }), 'InvalidSessionError', /a\.b throws/],
  'a Proxy that was revoked': [() => ({ a: revoked() }), 'InvalidSessionError', /a throws/],
  'a Proxy without an end': [endless, 'InvalidSessionError', /levels/],
  'a name that throws': [() => ({ a: new Map([[{ toString() { throw new Error('of toString'); } }, 1]]) }), 'InvalidSessionError', /a throws/],
  'a long name on two lines': [() => ({ [`a\n${'b'.repeat(1000)}`]: 1n }), 'InvalidSessionError', /: \["a\\nb{48}…"\] is a BigInt/],
  'a long name on two lines, of what DynamoDB refuses': [
    () => ({ a: { [`a\n${'b'.repeat(1000)}`]: 1e300 } }), 'InvalidSessionError', /session\.a\["a\\nb{48}…"\]: a number/],
  'a circle through a list and a Map': [() => {
    const list = [];
    list.push(new Map([['list', list]]));
    return { list };
  }, 'InvalidSessionError', /list\[0\]\.list/],
};

describe('the store itself', () => {
  Object.entries(KEPT).forEach(([name, [make, expected]]) => {
    it(`${name}: comes back`, async () => {
      const id = unique('kept');
      await store.set(id, make(), 60000, { ctx: {} });
      assert.deepEqual(await store.get(id), expected ?? parsedAsJson(make()));
      assertClean();
    });
  });

  Object.entries(REFUSED).forEach(([name, [make, code, message]]) => {
    it(`${name}: ${code}, and the stored session is unchanged`, async () => {
      const id = unique('refused');
      const ctx = {};
      await store.set(id, { kept: true }, 60000, { ctx });
      const earlier = await table.get(id);
      await assert.rejects(store.set(id, make(), 60000, { ctx }), { code, message });
      assert.deepEqual(await table.get(id), earlier);
      // After the error the request can store other data.
      await store.set(id, { kept: true, more: 1 }, 60000, { ctx });
      assert.deepEqual(await store.get(id), { kept: true, more: 1 });
    });
  });
});

VERSIONS.forEach((version) => {
  describe(`an app with ${version.name}`, () => {
    // One visit stores the data as a field, the next one changes another field, the last one reads both.
    const visits = async (t, make) => {
      let data;
      const options = localAlone(engine.endpoint, table.name);
      const app = await serveFor(t, version, { store: new DynamoDBStore(options) }, (ctx) => {
        if (ctx.path === '/store') ctx.session.data = make();
        if (ctx.path === '/count') ctx.session.views = (ctx.session.views || 0) + 1;
        if (ctx.path === '/') data = ctx.session.data;
        return { views: ctx.session.views };
      });
      const visitor = new Visitor(app.url);
      await visitor.get('/count');
      const { status } = await visitor.get('/store');
      await visitor.get('/count');
      const { body } = await visitor.get('/');
      return {
        app, status, body, data,
      };
    };

    // The field takes one level.
    const fits = Object.entries(KEPT).filter(([name]) => !name.startsWith('31'));
    fits.forEach(([name, [make, expected]]) => {
      it(`${name}: comes back, beside what other requests store`, async (t) => {
        const {
          app, status, body, data,
        } = await visits(t, make);
        assert.deepEqual(app.errors, []);
        assert.equal(status, 200);
        assert.deepEqual(body, { views: 2 });
        assert.deepEqual(data, expected ?? parsedAsJson(make()));
        assertClean();
      });
    });

    const circle = () => {
      const user = { name: 'Ada' };
      user.self = user;
      return user;
    };
    // koa-session makes JSON of a session before it calls the store, so the app gets the error of JSON.stringify.
    const OF_JSON = {
      'a circle': [circle, TypeError],
      BigInt: [() => 1n, TypeError],
      'a getter that throws': [() => ({ get a() { throw new RangeError('of the getter'); } }), RangeError],
      'a Proxy that throws when it is listed': [() => throwing('ownKeys'), Error],
      'a Proxy without an end': [endless, RangeError],
    };
    const OF_STORE = Object.fromEntries(['32 levels', '1 000 000 fields'].map((name) => [name, REFUSED[name]]));
    // Slow cases run only once.
    if (version !== VERSIONS[0]) delete OF_STORE['1 000 000 fields'];
    Object.entries({ ...OF_JSON, ...OF_STORE }).forEach(([name, [make, error]]) => {
      it(`${name}: 500, and the session stays as it was`, async (t) => {
        const {
          app, status, body, data,
        } = await visits(t, make);
        assert.equal(status, 500);
        assert.equal(app.errors.length, 1);
        if (typeof error === 'string') assert.equal(app.errors[0].code, error);
        else assert.ok(app.errors[0] instanceof error);
        assert.deepEqual(body, { views: 2 });
        assert.equal(data, undefined);
      });
    });
  });
});

describe('names of fields', () => {
  const dynalite = useDynalite({ createTableMs: 0 });

  // Each field is changed by a separate request, which updates only that field.
  const NAMES = ['#n', '#0', ':v', ':0', 'SET', 'a.b', 'a[0]', 'session', 'session.a', 'created', 'expires', 'sessionId', 'size',
    ' ', '\u0000', '\\', '"', '\n', '\u00e9', 'e\u0301', '\u{1f600}', 'constructor', 'toJSON', 'n'.repeat(1000),
    // This name has a special meaning in serde_json, which the native part and the local engine use.
    '$serde_json::private::RawValue', '$serde_json::private::Number'];

  it('any will do, at the top and below', async () => {
    const name = unique('names');
    const own = new DynamoDBStore(localAlone(dynalite.endpoint, name));
    await own.createTableIfDontExists();
    const id = unique('id');
    const session = Object.fromEntries(NAMES.map((field) => [field, { [field]: 0 }]));
    await own.set(id, session, 60000, { ctx: {} });
    for (const [index, field] of NAMES.entries()) {
      const ctx = {};
      const loaded = await own.get(id, 60000, { ctx });
      assert.deepEqual(loaded, session);
      loaded[field] = { [field]: index + 1, more: [{ [field]: 'x' }] };
      session[field] = structuredClone(loaded[field]);
      await own.set(id, loaded, 60000, { ctx });
      delete loaded[field].more;
      delete session[field].more;
      await own.set(id, loaded, 60000, { ctx });
    }
    assert.deepEqual(await own.get(id), session);
    for (const field of NAMES) {
      const ctx = {};
      const loaded = await own.get(id, 60000, { ctx });
      delete loaded[field];
      delete session[field];
      await own.set(id, loaded, 60000, { ctx });
    }
    assert.deepEqual(await own.get(id), {});
    assert.equal(own.stats().unguardedWrites, 0);
  });
});

// The data after a round trip through JSON, plus the values that DynamoDB keeps and JSON does not.
function parsedAsJson(data) {
  if (Buffer.isBuffer(data) || typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map(parsedAsJson);
  const copy = {};
  Object.keys(data).filter((name) => data[name] !== undefined).forEach((name) => {
    Object.defineProperty(copy, name, {
      value: parsedAsJson(data[name]), configurable: true, enumerable: true, writable: true,
    });
  });
  return copy;
}
