'use strict';

// Every way @fastify/session uses a store, against the real one over real HTTP. What it asks of a store in each case
// is recorded in fixtures/fastify-session-trace.json; here are the requests that lead to it, and what is in the
// table afterwards.

const assert = require('node:assert/strict');
const { before, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const trace = require('../../fixtures/fastify-session-trace.json');
const { useEngine } = require('../../support/engine');
const framework = require('../../support/fastify');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { failure, useRecorder } = require('../../support/recorder');
const recording = require('../../support/recording');
const {
  assertLives, attribute, inWords, soon,
} = require('../../support/trace');
const Visitor = require('../../support/visitor');

const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('trace');
let table;

before(async () => {
  await recorder.started;
  table = rawTable(engine.endpoint, NAME);
  await table.create();
});

const MINUTE = 60000;
const DAY = 86400000;

const storedFor = (ms, maxAge = ms) => ({
  cookie: {
    originalMaxAge: maxAge, expires: new Date(Date.now() + ms).toISOString(), secure: false, httpOnly: true, path: '/',
  },
  a: 1,
});
const STORED = () => storedFor(MINUTE);

// What each case needs: `stored` (the session the visitor's cookie points at), options of @fastify/session, the
// handler, and whether the visitor's session is `moved` in the table, or `gone`.
const SCENES = {
  'no cookie, by default': {},
  'no cookie, saveUninitialized false': { options: { saveUninitialized: false } },
  'hit unchanged, rolling by default': { stored: STORED, moved: true },
  'hit unchanged, rolling false': { stored: STORED, options: { rolling: false } },
  'hit changed, rolling false': {
    stored: STORED, options: { rolling: false }, moved: true, handler: (request) => { request.session.a = 2; },
  },
  miss: { cookie: true },
  'get error': { stored: STORED, refused: 'GetItem' },
  'set error: set runs twice': { refused: 'PutItem' },
  destroy: { stored: STORED, gone: true, handler: ({ session }) => session.destroy() },
  'destroy error': { stored: STORED, refused: 'DeleteItem', handler: ({ session }) => session.destroy() },
  regenerate: { stored: STORED, gone: true, handler: ({ session }) => session.regenerate() },
  'regenerate, fields kept': { stored: STORED, gone: true, handler: ({ session }) => session.regenerate(['a']) },
  'expired cookie in the row': { stored: () => storedFor(-1000, 1000), gone: true },
  'row without cookie: a miss': { stored: () => ({ a: 1 }) },
  reload: {
    stored: STORED,
    moved: true,
    async handler(request) {
      request.session.a = 7;
      await request.session.reload();
      assert.equal(request.session.a, 1);
    },
  },
  'save() then end': {
    stored: STORED,
    moved: true,
    handler(request) {
      request.session.a = 5;
      return request.session.save();
    },
  },
  // What others write back (fastify/session#72).
  'destroyed past the session, which is then saved': {
    stored: STORED,
    gone: true,
    handler: ({ session, sessionStore }) => new Promise((resolve) => {
      sessionStore.destroy(session.sessionId, (error) => resolve(error));
    }),
  },
};

it('there is a scene for every line of the trace', () => {
  assert.deepEqual(trace.map(({ name }) => name), Object.keys(SCENES));
});

trace.forEach((expected) => {
  it(expected.name, async (t) => {
    recorder.reset();
    const scene = SCENES[expected.name];
    const calls = [];
    const key = unique('key');
    const stored = scene.stored?.();
    if (stored) await table.putSession(key, attribute(stored), soon());
    const earlier = await table.get(key);

    const store = new (recording(DynamoDBStore, calls))(local(recorder.endpoint, NAME));
    const app = await framework.serveFor(t, store, { ...scene.options }, scene.handler ?? (() => {}));
    if (scene.refused) recorder.answer(scene.refused, failure('ResourceNotFoundException', 'boom'));

    const from = Date.now();
    const visitor = new Visitor(app.url, scene.cookie || stored ? framework.cookies(key) : {});
    const answer = await visitor.get();
    const to = Date.now();

    assert.deepEqual(calls.map((call) => inWords(call, key)), expected.calls);
    assert.equal(answer.status, expected.status);
    assert.equal(answer.setCookies.length, expected.cookies);
    // The visitor sees the message.
    if (expected.message) assert.equal(answer.body.message, expected.message);
    assert.doesNotMatch(JSON.stringify(answer.body), new RegExp(`${NAME}|${key}|dummyKey`));

    // And the table.
    const item = await table.get(key);
    if (scene.gone) assert.equal(item, undefined);
    else if (scene.moved) assertLives(item, from, to, MINUTE);
    else assert.deepEqual(item, earlier);
    const [last, id, session] = calls.at(-1) ?? [];
    if (last === 'set' && !scene.refused && !(scene.gone && id === key)) {
      const written = await table.get(id);
      assert.deepEqual(written.session, attribute(session));
      assertLives(written, from, to, session.cookie.originalMaxAge ?? DAY);
      assert.equal(framework.idOf(visitor), id);
    }
  });
});
