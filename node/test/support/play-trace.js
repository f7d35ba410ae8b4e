'use strict';

// Plays a trace of ../fixtures through a framework that uses the Express class: over real HTTP, against a real table.
// The trace has what the framework asks of a store in each case, by name; `scenes` has the request that leads to it:
// - `stored`: makes the session that the visitor's cookie points at
// - `cookie`: whether the visitor has a cookie without a session
// - `options` of the framework, and the `handler`
// - `prepare(store)`, before the application has it, and `serving(store)`, once the application listens
// - `refused`: the operation that fails, and the call that it is `failing` where that is not the usual one
// - whether the visitor's session is `moved` in the table, or `gone` from it. Otherwise its item is as before.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('./engine');
const { local, unique } = require('./options');
const { failure, useRecorder } = require('./recorder');
const recording = require('./recording');
const useTable = require('./table');
const { assertDeleted } = require('./tombstone');
const {
  assertLives, attribute, inWords, soon,
} = require('./trace');
const until = require('./until');
const Visitor = require('./visitor');

const MINUTE = 60000;
const DAY = 86400000;

/** Which call sends which request. */
const CALLS = {
  GetItem: 'get', PutItem: 'set', UpdateItem: 'touch',
};

/** An error of the store by its call, another one by its message. */
function errorInWords(error, failing) {
  if (error.code === undefined) return error.message;
  assert.equal(error.code, 'ResourceNotFoundException');
  return failing ?? CALLS[error.operation];
}

/** Returns the recorder in front of the engine, and the name of the table, for tests of the caller's own. */
module.exports = function playTrace(framework, trace, scenes) {
  const engine = useEngine();
  const recorder = useRecorder(engine);
  const table = useTable(engine, 'trace');

  it('there is a scene for every line of the trace', () => {
    assert.deepEqual(trace.map(({ name }) => name), Object.keys(scenes));
  });

  trace.forEach((expected) => {
    it(expected.name, async (t) => {
      recorder.reset();
      const scene = scenes[expected.name];
      const calls = [];
      const key = unique('key');
      const stored = scene.stored?.();
      if (stored) await table.putSession(key, attribute(stored), soon());
      const earlier = await table.get(key);

      const store = new (recording(DynamoDBStore, calls))(local(recorder.endpoint, table.name));
      scene.prepare?.(store);
      const app = await framework.serveFor(t, store, { ...scene.options }, scene.handler ?? (() => {}));
      scene.serving?.(store);
      if (scene.refused) recorder.answer(scene.refused, failure('ResourceNotFoundException', 'boom'));

      const from = Date.now();
      const visitor = new Visitor(app.url, scene.cookie || stored ? framework.cookies(key) : {});
      const answer = await visitor.get();
      await until('the calls', () => calls.length >= expected.calls.length);
      await store.close();
      const to = Date.now();

      assert.deepEqual(calls.map((call) => inWords(call, key)), expected.calls);
      assert.equal(answer.status, expected.status);
      assert.equal(answer.setCookies.length, expected.cookies);
      assert.doesNotMatch(JSON.stringify(answer.body), new RegExp(`${table.name}|${key}|dummyKey`));
      if (expected.message) assert.equal(answer.body.message, expected.message);
      if (expected.errors) {
        await until('the errors', () => app.errors.length >= expected.errors.length);
        assert.deepEqual(app.errors.map((error) => errorInWords(error, scene.failing)), expected.errors);
      }

      const item = await table.get(key);
      if (scene.gone) assertDeleted(item);
      else if (scene.moved) assertLives(item, from, to, MINUTE);
      else assert.deepEqual(item, earlier);
      const [last, id, session] = calls.at(-1) ?? [];
      if (!scene.refused && ['set', 'touch'].includes(last) && !(scene.gone && id === key)) {
        const written = await table.get(id);
        assert.deepEqual(written.session, attribute(session));
        assertLives(written, from, to, session.cookie.originalMaxAge ?? DAY);
        assert.equal(framework.idOf(visitor), id);
      }
    });
  });

  return { recorder, tableName: table.name };
};
