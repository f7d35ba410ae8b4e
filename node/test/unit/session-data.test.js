'use strict';

// Session data on its way to and from text.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const { DynamoDBSet } = require('../../lib/attribute-data');
const { parse: parseRaw, serialise } = require('../../lib/session.js');

/** The session of a text, with the first line that the native part puts before it. */
const parse = (text) => parseRaw(`1700000000000,1800000000000\n${text}`);

const B = (value) => ({ B: Buffer.from(value).toString('base64') });
const SOME = Buffer.from('x');

/** The attribute that a value becomes, in a session that takes the exact path. */
const attribute = (value) => {
  const text = serialise({ value, bytes: SOME });
  assert.equal(text[0], 'A');
  return JSON.parse(text.slice(1)).M.value;
};

describe('what JSON can say', () => {
  it('is JSON', () => {
    const session = {
      a: 1, b: 'x', c: [null, true, { d: {} }], date: new Date(0), gone: undefined, fn() {}, list: [undefined, () => {}],
    };
    assert.equal(serialise(session), JSON.stringify(session));
  });

  it('NaN and the infinities are null, an invalid date too', () => {
    assert.equal(serialise({ a: [NaN, Infinity, -Infinity], d: new Date(NaN) }), '{"a":[null,null,null],"d":null}');
  });

  it('survives, whatever it is', () => {
    fc.assert(fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5 })), (session) => {
      assert.deepEqual(parse(serialise(session)), JSON.parse(JSON.stringify(session)));
    }));
  });

  it('is the same beside a Buffer', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const { value: read, bytes } = parse(serialise({ value, bytes: SOME }));
      assert.deepEqual(read, JSON.parse(JSON.stringify(value)));
      assert.deepEqual(bytes, SOME);
    }));
  });
});

describe('what JSON cannot say', () => {
  const CASES = [
    ['a Buffer', Buffer.from([1, 2, 255]), B([1, 2, 255])],
    ['an empty Buffer', Buffer.alloc(0), { B: '' }],
    ['a part of a Buffer', Buffer.from('abcdef').subarray(2, 4), B('cd')],
    ['a Uint8Array', new Uint8Array([1, 2]), B([1, 2])],
    ['a Uint16Array, all its bytes', new Uint16Array([1, 258]), B([1, 0, 2, 1])],
    ['a Float64Array', new Float64Array([1.5]), B(Buffer.from(new Float64Array([1.5]).buffer))],
    ['a BigInt64Array', new BigInt64Array([1n]), B([1, 0, 0, 0, 0, 0, 0, 0])],
    ['an ArrayBuffer', new Uint8Array([7, 8]).buffer, B([7, 8])],
    ['a DataView, its part', new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1), B([2])],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), B([0, 0])],
    ['a Set', new Set(['a', 1, undefined]), { L: [{ S: 'a' }, { N: '1' }, { NULL: true }] }],
    ['an empty Set', new Set(), { L: [] }],
    ['a Map', new Map([['a', 1], [2, 'b'], ['gone', undefined]]), { M: { 2: { S: 'b' }, a: { N: '1' } } }],
    ['NaN', NaN, { NULL: true }],
    ['-Infinity', -Infinity, { NULL: true }],
    ['-0', -0, { N: '0' }],
    ['1e21', 1e21, { N: '1e+21' }],
    ['0.1 + 0.2', 0.1 + 0.2, { N: '0.30000000000000004' }],
    ['a Date', new Date(0), { S: '1970-01-01T00:00:00.000Z' }],
    ['an invalid Date', new Date(NaN), { NULL: true }],
    ['undefined', undefined, undefined],
    ['a function', () => {}, undefined],
    ['a symbol', Symbol('x'), undefined],
    ['undefined in a list', [1, undefined, () => {}, 3], { L: [{ N: '1' }, { NULL: true }, { NULL: true }, { N: '3' }] }],
    ['a hole in a list', [1, , 3], { L: [{ N: '1' }, { NULL: true }, { N: '3' }] }], // eslint-disable-line no-sparse-arrays
    ['a lone surrogate', 'a\ud800', { S: 'a\ufffd' }],
    ['a lone surrogate in a key', { 'a\udc00': 1 }, { M: { 'a\ufffd': { N: '1' } } }],
    ['toJSON', { toJSON: (key) => `of ${key}` }, { S: 'of value' }],
    ['toJSON that gives a Buffer', { toJSON: () => Buffer.from('a') }, B('a')],
    ['a class instance', new (class Point { x = 1; })(), { M: { x: { N: '1' } } }],
    ['an object without a prototype', Object.assign(Object.create(null), { k: 'v' }), { M: { k: { S: 'v' } } }],
    ['inherited properties', Object.assign(Object.create({ inherited: 1 }), { own: 2 }), { M: { own: { N: '2' } } }],
    ['a getter', { get x() { return 4; } }, { M: { x: { N: '4' } } }],
    ['a class named Set', new (class Set { a = 1; })(), { M: { a: { N: '1' } } }],
    ['a class named Buffer', new (class Buffer { q = 1; })(), { M: { q: { N: '1' } } }],
    // eslint-disable-next-line no-new-wrappers
    ['boxed primitives', [new Number(3), new String('ab'), new Boolean(false)], { L: [{ N: '3' }, { S: 'ab' }, { BOOL: false }] }],
    ['constructor as a key', { constructor: 'String', a: 1 }, { M: { constructor: { S: 'String' }, a: { N: '1' } } }],
    ['constructor.name as a key', { constructor: { name: 'Array' }, length: 1 },
      { M: { constructor: { M: { name: { S: 'Array' } } }, length: { N: '1' } } }],
    ['wrapperName as a key', { wrapperName: 'Set', type: 'String', values: ['a'] },
      { M: { wrapperName: { S: 'Set' }, type: { S: 'String' }, values: { L: [{ S: 'a' }] } } }],
    ['what looks like a serialised Buffer', { type: 'Buffer', data: [1] }, { M: { type: { S: 'Buffer' }, data: { L: [{ N: '1' }] } } }],
    ['an empty key', { '': 1 }, { M: { '': { N: '1' } } }],
  ];
  CASES.forEach(([name, value, expected]) => {
    it(name, () => assert.deepEqual(attribute(value), expected));
  });

  it('__proto__ is a key like any other', () => {
    const value = JSON.parse('{"__proto__":{"x":1}}');
    assert.deepEqual(Object.keys(attribute(value).M), ['__proto__']);
    const read = parse(serialise({ value, bytes: SOME })).value;
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.deepEqual(Object.keys(read), ['__proto__']);
  });

  it('a lone surrogate beside nothing but JSON', () => {
    assert.deepEqual(parse(serialise({ a: '\ud800', 'k\udfff': ['\udc00x'] })), { a: '\ufffd', 'k\ufffd': ['\ufffdx'] });
  });

  it('a Buffer whose toJSON someone set', () => {
    const value = Buffer.from('a');
    value.toJSON = () => 'other';
    assert.deepEqual(attribute(value), B('a'));
  });
});

describe('reading', () => {
  it('__proto__ is a field and no prototype', () => {
    for (const text of ['{"__proto__":{"x":1},"a":1}', 'A{"M":{"__proto__":{"M":{"x":{"N":"1"}}},"a":{"N":"1"}}}']) {
      const session = parse(text);
      assert.deepEqual(Object.entries(session), [['__proto__', { x: 1 }], ['a', 1]]);
      assert.equal(Object.getPrototypeOf(session), Object.prototype);
    }
  });

  it('every type of attribute', () => {
    const session = parse(`A${JSON.stringify({
      M: {
        s: { S: '' },
        n: { N: '1e+21' },
        zero: { N: '-0' },
        b: B([1]),
        t: { BOOL: true },
        z: { NULL: true },
        l: { L: [{ S: 'a' }, { L: [] }] },
        m: { M: {} },
        future: { XX: 1 },
        nothing: {},
      },
    })}`);
    assert.deepEqual(session, {
      s: '', n: 1e21, zero: -0, b: Buffer.from([1]), t: true, z: null, l: ['a', []], m: {}, future: null, nothing: null,
    });
  });

  it('sets are what the DocumentClient makes of them, and are written back as sets', () => {
    const text = `A${JSON.stringify({ M: { ss: { SS: ['b', 'a'] }, ns: { NS: ['1', '2.5'] }, bs: { BS: ['AQ=='] } } })}`;
    const session = parse(text);
    const shape = ({ wrapperName, values, type }) => ({ wrapperName, values, type });
    assert.deepEqual(shape(session.ss), { wrapperName: 'Set', values: ['b', 'a'], type: 'String' });
    assert.deepEqual(shape(session.ns), { wrapperName: 'Set', values: [1, 2.5], type: 'Number' });
    assert.deepEqual(shape(session.bs), { wrapperName: 'Set', values: [Buffer.from([1])], type: 'Binary' });
    assert.equal(JSON.stringify(session.ss), '["b","a"]');
    assert.ok(session.ss instanceof DynamoDBSet);
    assert.equal(serialise(session), text);
  });

  it('a set that was emptied is a list, one of mixed types an error', () => {
    assert.deepEqual(attribute(new DynamoDBSet([], 'String')), { L: [] });
    assert.throws(() => attribute(new DynamoDBSet(['a', 1], 'String')), { code: 'InvalidSessionError', message: /value/ });
    assert.throws(() => attribute(new DynamoDBSet(['a'], '__proto__')), { code: 'InvalidSessionError' });
  });
});

describe('what cannot be stored', () => {
  const circular = { cart: { items: [0, {}] } };
  circular.cart.items[1].back = circular.cart;
  const deep = (levels) => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);

  const CASES = [
    ['a circle', circular, /cart\.items\[1\]\.back/],
    ['a circle of Maps', (() => { const map = new Map(); map.set('m', map); return { map }; })(), /map\.m/],
    ['a BigInt', { cart: { total: 1n } }, /cart\.total/],
    ['a BigInt beside a Buffer', { bytes: SOME, list: [1n] }, /list\[0\]/],
    ['endless depth', deep(5000), /32 levels/],
    ['null', null, /object/],
    ['a string', 'session', /object/],
    ['a list', [], /object/],
    ['a Buffer', SOME, /object/],
    ['a Date', new Date(), /object/],
    ['toJSON of a string', { toJSON: () => 'x' }, /object/],
  ];
  CASES.forEach(([name, session, message]) => {
    it(name, () => assert.throws(() => serialise(session), { code: 'InvalidSessionError', message }));
  });

  it('a BigInt with a toJSON is what that says', () => {
    Object.defineProperty(BigInt.prototype, 'toJSON', { value() { return `${this}`; }, configurable: true }); // eslint-disable-line no-extend-native
    try {
      assert.deepEqual(parse(serialise({ a: 5n })), { a: '5' });
    } finally {
      delete BigInt.prototype.toJSON;
    }
  });

  it('what throws when it is read, with where it is and what it threw', () => {
    const thrown = new RangeError('lazy');
    const fails = () => { throw thrown; };
    const getter = Object.defineProperty({}, 'total', { get: fails, enumerable: true });
    for (const [session, where] of [
      [{ cart: [1, getter] }, /cart\[1\]\.total throws/],
      [{ a: Buffer.from('a'), cart: { b: { toJSON: fails } } }, /cart\.b throws/],
      [{ toJSON: fails }, /the session throws/],
      [{ m: new Map([['k', getter]]) }, /m\.k\.total throws/],
    ]) {
      assert.throws(() => serialise(session), { code: 'InvalidSessionError', message: where, cause: thrown });
    }
  });
});
