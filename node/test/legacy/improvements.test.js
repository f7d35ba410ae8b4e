'use strict';

// Data that the legacy package lost, changed or refused. Each case is stored in the table, and the item is checked.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const useTable = require('../support/table');

const engine = useEngine();
const table = useTable(engine, 'improvements');
const HOUR = 3600000;
let legacy;
let store;

before(async () => {
  await engine.started;
  legacy = new Legacy(local(engine.endpoint, table.name));
  store = new DynamoDBStore(local(engine.endpoint, table.name));
});

class Point {
  constructor(x, y) {
    Object.assign(this, { x, y });
  }

  toJSON() {
    return { point: [this.x, this.y] };
  }
}
class Plain {
  constructor() {
    this.own = 1;
  }

  get derived() {
    return this.own + 1;
  }
}
// Classes with the names of built-in ones.
const impostors = {
  Set: class Set { constructor() { this.a = 1; } },
  Buffer: class Buffer { constructor() { this.a = 1; } },
  String: class String { constructor() { this.a = 1; } },
  Number: class Number { constructor() { this.a = 1; } },
};

// name: [what the application stores, what it gets back, the attribute in the table (where it matters)]
const CASES = {
  Date: [() => new Date(0), '1970-01-01T00:00:00.000Z', { S: '1970-01-01T00:00:00.000Z' }],
  'Date, invalid': [() => new Date(NaN), null, { NULL: true }],
  'Date in a list': [() => [new Date(1)], ['1970-01-01T00:00:00.001Z']],
  Set: [() => new Set(['a', 1]), ['a', 1], { L: [{ S: 'a' }, { N: '1' }] }],
  'Set, empty': [() => new Set(), [], { L: [] }],
  Map: [() => new Map([['a', 1], ['b', new Map([['c', new Set([2])]])]]), { a: 1, b: { c: [2] } }],
  'Map, empty': [() => new Map(), {}, { M: {} }],
  'Map with other keys': [() => new Map([[1, 'a'], [true, 'b']]), { 1: 'a', true: 'b' }],
  NaN: [() => NaN, null, { NULL: true }],
  Infinity: [() => [Infinity, -Infinity], [null, null]],
  'NaN beside a Buffer': [() => [NaN, Buffer.from('a')], [null, Buffer.from('a')]],
  Uint8Array: [() => new Uint8Array([1, 255]), Buffer.from([1, 255]), { B: 'Af8=' }],
  Uint16Array: [() => new Uint16Array([1, 258]), Buffer.from(new Uint16Array([1, 258]).buffer)],
  Float64Array: [() => new Float64Array([1.5]), Buffer.from(new Float64Array([1.5]).buffer)],
  BigInt64Array: [() => new BigInt64Array([-1n]), Buffer.alloc(8, 255)],
  'typed array on a part of a buffer': [() => new Uint8Array([1, 2, 3, 4]).subarray(1, 3), Buffer.from([2, 3])],
  DataView: [() => new DataView(new Uint8Array([1, 2, 3]).buffer, 1), Buffer.from([2, 3])],
  ArrayBuffer: [() => new Uint8Array([7, 8]).buffer, Buffer.from([7, 8]), { B: 'Bwg=' }],
  'Buffer, empty': [() => Buffer.alloc(0), Buffer.alloc(0), { B: '' }],
  toJSON: [() => new Point(1, 2), { point: [1, 2] }],
  'toJSON of a plain object': [() => ({ a: 1, toJSON: () => 'instead' }), 'instead'],
  'toJSON that gives a Buffer': [() => ({ toJSON: () => Buffer.from('a') }), Buffer.from('a')],
  'toJSON that gives nothing': [() => ({ toJSON: () => undefined }), undefined],
  'toJSON gets the key': [() => ({ toJSON: (key) => key }), 'v'],
  URL: [() => new URL('http://example.com/a?b'), 'http://example.com/a?b'],
  'class instance': [() => new Plain(), { own: 1 }],
  'null prototype': [() => Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  'lone surrogate': [() => 'a\ud800b\udc00', 'a\ufffdb\ufffd', { S: 'a\ufffdb\ufffd' }],
  'lone surrogate in a key': [() => ({ 'k\ud800': 1 }), { 'k\ufffd': 1 }],
  'lone surrogate beside a Buffer': [() => ['\udfff', Buffer.from('a')], ['\ufffd', Buffer.from('a')]],
  'a pair of surrogates': [() => '\ud83d\ude00', '😀'],
  'text that looks like an escape': [() => '\\ud800', '\\ud800'],
  'undefined in a list': [() => [1, undefined, 3], [1, null, 3]],
  'functions in a list': [() => [1, () => {}, 3], [1, null, 3]],
  'holes in a list': [() => [1, , 3], [1, null, 3]], // eslint-disable-line no-sparse-arrays
  'async functions and classes': [() => ({ a: async () => {}, b: class {}, c: 1 }), { c: 1 }],
  symbols: [() => ({ a: Symbol('x'), [Symbol('k')]: 1, b: 2 }), { b: 2 }],
  'RegExp, Promise, WeakMap': [() => [/x/, Promise.resolve(), new WeakMap()], [{}, {}, {}]],
  Error: [() => Object.assign(new Error('x'), { code: 'E' }), { code: 'E' }],
  'boxed values': [() => [Object('s'), Object(1), Object(true)], ['s', 1, true]],
  'key constructor': [() => ({ constructor: 'String', a: 1 }), { constructor: 'String', a: 1 }],
  'key constructor, an object': [
    () => ({ constructor: { name: 'Array' }, length: 1, 0: 'z' }), { 0: 'z', constructor: { name: 'Array' }, length: 1 }],
  'key wrapperName': [
    () => ({ wrapperName: 'Set', type: 'String', values: ['a'] }), { wrapperName: 'Set', type: 'String', values: ['a'] }],
  'key wrapperName, a number': [() => ({ wrapperName: 'NumberValue' }), { wrapperName: 'NumberValue' }],
  'wrapperName beside a Buffer': [
    () => [{ wrapperName: 'Set', type: 'String', values: ['a'] }, Buffer.from('a')],
    [{ wrapperName: 'Set', type: 'String', values: ['a'] }, Buffer.from('a')]],
  'key __proto__': [() => JSON.parse('{"__proto__":{"admin":true},"a":1}'), JSON.parse('{"__proto__":{"admin":true},"a":1}')],
  'key __proto__ beside a Buffer': [
    () => ({ ...JSON.parse('{"x":{"__proto__":{"admin":true}}}'), b: Buffer.from('a') }),
    { ...JSON.parse('{"x":{"__proto__":{"admin":true}}}'), b: Buffer.from('a') }],
  'JSON shaped like a Buffer': [() => ({ type: 'Buffer', data: [1, 2] }), { type: 'Buffer', data: [1, 2] }],
  'JSON shaped like a Buffer beside one': [
    () => [{ type: 'Buffer', data: [1, 2] }, Buffer.from([1, 2])], [{ type: 'Buffer', data: [1, 2] }, Buffer.from([1, 2])]],
  'JSON shaped like attributes': [
    () => [{ S: 'a' }, { M: {} }, { B: 'YQ==' }, { NULL: true }], [{ S: 'a' }, { M: {} }, { B: 'YQ==' }, { NULL: true }]],
  'text that starts with the mark of another format': [() => 'A{"M":{}}', 'A{"M":{}}'],
  'class named Set': [() => new impostors.Set(), { a: 1 }],
  'class named Buffer': [() => new impostors.Buffer(), { a: 1 }],
  'class named String': [() => new impostors.String(), { a: 1 }],
  'class named Number': [() => new impostors.Number(), { a: 1 }],
  'the same object twice': [() => {
    const shared = { a: 1 };
    return [shared, shared];
  }, [{ a: 1 }, { a: 1 }]],
  Proxy: [() => new Proxy({ a: 1 }, {}), { a: 1 }],
  getter: [() => ({ get a() { return 4; } }), { a: 4 }],
};

describe('goes in, is stored, comes out', () => {
  Object.entries(CASES).forEach(([name, [make, expected, attribute]]) => {
    it(name, async () => {
      const id = unique('v');
      await store.set(id, { v: make(), after: 'kept' }, HOUR);
      const read = await store.get(id);
      const want = expected === undefined ? { after: 'kept' } : { v: expected, after: 'kept' };
      assert.deepEqual(read, want);
      const item = await table.get(id);
      if (attribute) assert.deepEqual(item.session.M.v, attribute);
      // The legacy package can still read it, except a field `__proto__`.
      if (!name.includes('__proto__')) {
        const theirs = await legacy.get(id);
        assert.deepEqual(JSON.parse(JSON.stringify(theirs)), JSON.parse(JSON.stringify(read)));
      }
    });
  });
});

it('no prototype is changed', async () => {
  const id = unique('proto');
  const session = JSON.parse('{"__proto__":{"admin":true},"nested":{"__proto__":{"admin":true},"a":1},"user":"Ada"}');
  await store.set(id, session, HOUR);
  const read = await store.get(id);
  assert.equal(read.admin, undefined);
  assert.equal(read.nested.admin, undefined);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
  assert.equal(Object.getPrototypeOf(read.nested), Object.prototype);
  assert.deepEqual(Object.keys(read).sort(), ['nested', 'user'], 'a field of that name at the top is dropped');
  assert.equal({}.admin, undefined);
});

it('session objects with their own toJSON are stored as its result', async () => {
  const id = unique('json');
  await store.set(id, { hidden: 1, toJSON: () => ({ shown: Buffer.from('a') }) }, HOUR);
  assert.deepEqual(await store.get(id), { shown: Buffer.from('a') });
});

it('get gives a new object each time, and set keeps no reference to its argument', async () => {
  const id = unique('fresh');
  const session = { nested: { list: [1] } };
  const stored = store.set(id, session, HOUR);
  session.nested.list.push(2);
  await stored;
  const first = await store.get(id);
  assert.deepEqual(first, { nested: { list: [1] } });
  first.nested.list.push(3);
  assert.deepEqual(await store.get(id), { nested: { list: [1] } });
});

it('numbers keep their digits in the table until they are changed', async () => {
  const id = unique('digits');
  const precise = '12345678901234567890123456789';
  await table.putSession(id, { M: { precise: { N: precise }, small: { N: '0.1' } } });
  assert.deepEqual(await store.get(id), { precise: Number(precise), small: 0.1 });
});

it('the fields of koa-session are stored with the session', async () => {
  const id = unique('koa');
  const session = { a: 1, _expire: Date.now() + 5000, _maxAge: 5000 };
  await store.set(id, session, 15000);
  assert.deepEqual(await store.get(id), session);
});

describe('the item', () => {
  it('is exactly id, expiry, session, time of creation and state', async () => {
    const id = unique('item');
    const from = Date.now();
    await store.set(id, { a: 1, b: { c: [true, null, 'x'] } }, 5500);
    const until = Date.now();
    const {
      created, expires, rev, ...rest
    } = await table.get(id);
    assert.equal(Buffer.from(rev.B, 'base64').length, 8);
    assert.deepEqual(rest, {
      sessionId: { S: id },
      session: { M: { a: { N: '1' }, b: { M: { c: { L: [{ BOOL: true }, { NULL: true }, { S: 'x' }] } } } } },
    });
    assert.deepEqual(Object.keys(expires), ['N']);
    assert.match(expires.N, /^\d+$/);
    assert.ok(expires.N >= Math.ceil((from + 5500) / 1000), 'rounded up');
    assert.ok(expires.N <= Math.ceil((until + 5500) / 1000));
    assert.deepEqual(Object.keys(created), ['N']);
    assert.match(created.N, /^\d{13}$/);
    assert.ok(created.N >= from && created.N <= until);
  });

  it('of an empty session has an empty map', async () => {
    const id = unique('item');
    await store.set(id, {}, HOUR);
    assert.deepEqual((await table.get(id)).session, { M: {} });
    assert.deepEqual(await store.get(id), {});
  });

  it('is replaced as a whole', async () => {
    const id = unique('item');
    await store.set(id, { a: 1, b: 2 }, HOUR);
    await store.set(id, { a: 3 }, 2 * HOUR);
    const item = await table.get(id);
    assert.deepEqual(item.session, { M: { a: { N: '3' } } });
    assert.ok(item.expires.N > Date.now() / 1000 + 7000);
  });
});
