'use strict';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { sorted } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/session-data.md');

describe('session data', () => {
  const CASES = {
    '`Date`': [[new Date(0)], ['1970-01-01T00:00:00.000Z']],
    '`Buffer`, typed array, `ArrayBuffer`': [
      [Buffer.from([1]), new Uint16Array([1]), new Uint8Array([2]).buffer],
      [Buffer.from([1]), Buffer.from([1, 0]), Buffer.from([2])]],
    '`Set`': [[new Set([1])], [[1]]],
    '`Map`': [[new Map([['a', 1]])], [{ a: 1 }]],
    '`NaN`, `Infinity`': [[NaN, Infinity], [null, null]],
    '`undefined`, function': [[{ a: undefined, b() {} }, undefined, () => {}], [{}, null, null]],
    'an object with `toJSON`': [[{ toJSON: () => 'instead' }], ['instead']],
    'a lone surrogate': [['\ud800'], ['\ufffd']],
  };
  let store;
  before(async () => {
    await engine.started;
    store = new DynamoDBStore(local(engine.endpoint, unique('data')));
    await store.createTableIfDontExists();
  });

  it('has a case for each row', () => {
    assert.deepEqual(sorted(page.rows('Session data', 'stored').map(([cell]) => cell)), sorted(Object.keys(CASES)));
  });
  Object.entries(CASES).forEach(([name, [value, expected]]) => {
    it(name, async () => {
      await store.set('x', { value }, 60000);
      assert.deepEqual((await store.get('x')).value, expected);
    });
  });
  const circular = {};
  circular.self = circular;
  const nested = (depth) => (depth === 0 ? 1 : { a: nested(depth - 1) });
  Object.entries({
    BigInt: { a: 1n }, circular, number: { a: 1e300 }, levels: { a: nested(31) }, 'empty name': { '': 1 }, size: { a: 'x'.repeat(409600) },
  }).forEach(([name, session]) => {
    it(`${name}: an error, and nothing written`, async () => {
      const id = unique('refused');
      await assert.rejects(store.set(id, session, 60000), { code: /^(InvalidSessionError|ItemTooLargeError)$/ });
      assert.equal(await store.get(id), undefined);
    });
  });
  it('31 levels and ids of 2048 bytes are fine', () => store.set('x'.repeat(2048), nested(31), 60000));
});

page.complete();
