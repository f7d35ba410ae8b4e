'use strict';

// Sealed sessions over HTTP: what the table holds, where the keys come from, and how an application changes from one
// setting to the next while it serves requests.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const { localAlone, unique } = require('../support/options');
const serveVisitor = require('../support/serve-visitor');
const useTable = require('../support/table');
const { warningsOf } = require('../support/warnings');

const newKey = (id) => ({ id, key: crypto.randomBytes(32) });

const engine = useEngine();
const table = useTable(engine, 'sealed');

// The app whose store has these options.
const open = (t, framework, id, more) => {
  const options = localAlone(engine.endpoint, table.name, { touchAfter: 0, ...more });
  return serveVisitor(t, framework, id, new framework.Store(options));
};

frameworks.forEach((framework) => {
  describe(`sealed sessions of ${framework.name}`, () => {
    it('are in the table without a name or a value', async (t) => {
      const id = unique('id');
      const app = await open(t, framework, id, { encryption: { keys: [newKey('k1')] } });
      await app.signIn({ favourite: 'darjeeling' });
      assert.deepEqual(await app.visit(), { favourite: 'darjeeling' });
      const item = await table.get(id);
      assert.deepEqual(item.session, { M: { _expire: { N: '1' } } });
      const stored = [JSON.stringify(item), ...['sealed', 'unit'].map((name) => Buffer.from(item[name].B, 'base64').toString('latin1'))];
      stored.forEach((text) => assert.doesNotMatch(text, /favourite|darjeeling|cookie|_maxAge/));
      const { sealedWrites, sealedByKey, unitsSaved } = app.store.stats();
      assert.ok(sealedWrites > 0);
      // A visit opens what was written before.
      assert.deepEqual(Object.keys(sealedByKey), ['k1']);
      assert.ok(sealedByKey.k1 > sealedWrites);
      assert.equal(unitsSaved, 0);
    });

    it('are counted by key, and what compression saves is counted too', async (t) => {
      const id = unique('id');
      const [old, recent] = [newKey('k1'), newKey('k2')];
      const [first, second] = await Promise.all([[old], [recent, old]]
        .map((keys) => open(t, framework, id, { encryption: { keys }, compress: true })));
      await first.signIn({ text: 'tea '.repeat(1000) });
      assert.deepEqual(Object.keys(first.store.stats().sealedByKey), ['k1']);
      assert.ok(first.store.stats().unitsSaved >= 3);
      await second.visit({ more: '1' });
      // It was opened with the old key, and saved with the new one.
      assert.deepEqual(Object.keys(second.store.stats().sealedByKey), ['k1', 'k2']);
      const { k1 } = second.store.stats().sealedByKey;
      await second.visit();
      assert.equal(second.store.stats().sealedByKey.k1, k1);
    });

    it('are sealed step by step, and plain again, and nobody is signed out', async (t) => {
      const id = unique('id');
      const [first, second] = [newKey('k1'), newKey('k2')];
      const steps = [
        {},
        { encryption: { keys: [first], mode: 'read' } },
        { encryption: { keys: [first] } },
        { encryption: { keys: [first], mode: 'only' } },
        { encryption: { keys: [first, second] } },
        { encryption: { keys: [second, first] }, compress: true },
        { encryption: { keys: [second] } },
        { encryption: { keys: [second], mode: 'read' } },
        {},
      ];
      const apps = await Promise.all(steps.map((options) => open(t, framework, id, options)));
      const expected = { user: 'Ada' };
      await apps[0].signIn(expected);
      // Each step begins while processes of the one before it still serve.
      for (const [index, app] of apps.entries()) {
        const before = apps[Math.max(0, index - 1)];
        await Promise.all([before.visit({ [`old${index}`]: 'x' }), app.visit({ [`new${index}`]: 'y' })]);
        Object.assign(expected, { [`old${index}`]: 'x', [`new${index}`]: 'y' });
        await app.visit({ last: String(index) });
        expected.last = String(index);
        assert.deepEqual(await app.visit(), expected);
      }
      apps.forEach(({ errors }) => assert.deepEqual(errors, []));
      const item = await table.get(id);
      assert.equal(item.sealed ?? item.unit, undefined);
    });

    it('are an error where the key is missing, and stay as they are', async (t) => {
      const id = unique('id');
      const app = await open(t, framework, id, { encryption: { keys: [newKey('k1')] } });
      await app.signIn({ user: 'Ada' });
      const stored = await table.get(id);
      for (const [more, code, message] of [
        [{}, 'UnknownKeyError', /set `encryption`/],
        [{ encryption: { keys: [newKey('k2')] } }, 'UnknownKeyError', /the key k1/],
        [{ encryption: { keys: [newKey('k1')] } }, 'DecryptionError', /cannot be opened/],
      ]) {
        const other = await open(t, framework, id, more);
        const { error, body } = await other.fail();
        assert.equal((error.cause ?? error).code ?? error.code, code);
        assert.match(String(error.cause?.message ?? error.message), message);
        assert.doesNotMatch(JSON.stringify(body) ?? '', /Ada/);
        assert.deepEqual(await table.get(id), stored);
      }
      assert.deepEqual(await app.visit(), { user: 'Ada' });
    });

    it('have keys that a function returns', async (t) => {
      const id = unique('id');
      const key = newKey('k1');
      let calls = 0;
      const keys = async () => { calls += 1; return [key]; };
      const app = await open(t, framework, id, { encryption: { keys } });
      assert.equal(calls, 0);
      await app.signIn({ user: 'Ada' });
      await Promise.all([app.visit(), app.visit()]);
      assert.deepEqual(await app.visit(), { user: 'Ada' });
      assert.equal(calls, 1);
    });

    it('are an error while that function fails, with its reason as the cause, and not afterwards', async (t) => {
      const id = unique('id');
      const key = newKey('k1');
      const app = await open(t, framework, id, { encryption: { keys: [key] } });
      await app.signIn({ user: 'Ada' });
      const answers = [
        () => { throw new Error('the vault is sealed'); },
        () => 'no keys',
        () => [{ id: 'k1', key: Buffer.alloc(5) }],
        () => [],
      ];
      let answer;
      const failing = await open(t, framework, id, { encryption: { keys: async () => answer() } });
      for (answer of answers) {
        const { error } = await failing.fail();
        const chain = [];
        for (let one = error; one; one = one.cause) chain.push(one);
        assert.ok(chain.some(({ code }) => code === 'KeyProviderError'), error.stack);
      }
      answer = () => [key];
      assert.deepEqual(await failing.visit(), { user: 'Ada' });
    });
  });
});

describe('the function that returns keys', () => {
  it('is asked again for a key that a session names, and its failure then is not a missing session', async (t) => {
    const [framework] = frameworks;
    const id = unique('id');
    const [old, next] = [newKey('k1'), newKey('k2')];
    const app = await open(t, framework, id, { encryption: { keys: [next, old] } });
    let keys = [old];
    const other = await open(t, framework, id, { encryption: { keys: () => keys } });
    assert.deepEqual(await other.visit(), {});
    keys = [next, old];
    await app.signIn({ user: 'Ada' });
    // It was asked a moment ago.
    const { error } = await other.fail();
    assert.match(`${error.message} ${error.cause?.message}`, /k2/);
  });

  it('keeps no secret in a warning', async () => {
    const warnings = await warningsOf(() => new frameworks[0].Store({ encryption: { keys: [newKey('k1')], Keys: 'a-secret' } }));
    assert.doesNotMatch(warnings.join(), /a-secret/);
  });
});
