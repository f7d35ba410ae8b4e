'use strict';

// Every way express-session uses a store, against the real one over real HTTP. What it asks of a store in each case
// is recorded in fixtures/express-session-trace.json; here are the requests that lead to it, and what is in the
// table afterwards.

const assert = require('node:assert/strict');
const { before, it } = require('node:test');
const { promisify } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const trace = require('../../fixtures/express-session-trace.json');
const { useEngine } = require('../../support/engine');
const framework = require('../../support/express');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { failure, useRecorder } = require('../../support/recorder');
const recording = require('../../support/recording');
const {
  assertLives, attribute, inWords, soon,
} = require('../../support/trace');
const until = require('../../support/until');
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

const cookieOf = (ms) => ({
  originalMaxAge: ms,
  expires: ms === null ? null : new Date(Date.now() + ms).toISOString(),
  httpOnly: true,
  path: '/',
});
const STORED = () => ({ cookie: cookieOf(MINUTE), a: 1 });
const IN_A_MINUTE = { cookie: { maxAge: MINUTE } };

const calling = (session, method) => promisify((done) => session[method](done))();

// What each case needs: `stored` (the session the visitor's cookie points at), options of express-session, the
// handler, and what is in the table afterwards: `a` or the like under the visitor's id (`kept`), or nothing (`gone`).
const SCENES = {
  'no cookie, unused': {},
  'no cookie, write': { options: IN_A_MINUTE, handler: (request) => { request.session.a = 1; } },
  'no cookie, saveUninitialized': { options: { saveUninitialized: true } },
  'cookie miss': { cookie: true },
  'hit unchanged, resave false: touch': { stored: STORED, moved: true },
  'hit unchanged, no touch method': { stored: STORED, prepare: (store) => Object.assign(store, { touch: undefined }) },
  'hit unchanged, resave true': { stored: STORED, options: { resave: true }, moved: true },
  'hit unchanged, rolling: touch and a cookie': { stored: STORED, options: { rolling: true }, moved: true },
  'hit changed': { stored: STORED, handler: (request) => { request.session.a = 2; }, moved: true },
  'get error': { stored: STORED, refused: 'GetItem' },
  'set error': { refused: 'PutItem', handler: (request) => { request.session.a = 1; } },
  'touch error': { stored: STORED, refused: 'UpdateItem' },
  'row without cookie: a miss': { stored: () => ({ a: 1 }) },
  destroy: { stored: STORED, gone: true, handler: ({ session }) => calling(session, 'destroy') },
  'destroy, no callback': { stored: STORED, gone: true, handler: ({ session }) => { session.destroy(); } },
  'destroy error': { stored: STORED, refused: 'DeleteItem', handler: ({ session }) => calling(session, 'destroy') },
  'req.session=null, unset destroy': {
    stored: STORED, gone: true, options: { unset: 'destroy' }, handler: (request) => { request.session = null; },
  },
  'req.session=null, unset keep': { stored: STORED, handler: (request) => { request.session = null; } },
  regenerate: {
    stored: STORED,
    gone: true,
    async handler(request) {
      await calling(request.session, 'regenerate');
      request.session.u = 1;
    },
  },
  'regenerate, the old session cannot be destroyed': {
    stored: STORED, refused: 'DeleteItem', handler: ({ session }) => calling(session, 'regenerate'),
  },
  reload: {
    stored: STORED,
    moved: true,
    async handler(request) {
      request.session.a = 7;
      await calling(request.session, 'reload');
      assert.equal(request.session.a, 1);
    },
  },
  'reload of a missing row': { cookie: true, handler: ({ session }) => calling(session, 'reload') },
  'save() then end': {
    stored: STORED,
    moved: true,
    handler(request) {
      request.session.a = 5;
      request.session.save();
    },
  },
  disconnected: {
    stored: STORED,
    serving: (store) => store.emit('disconnect'),
    handler: (request) => assert.equal(request.session, undefined),
  },
  'disconnected, connected again': {
    stored: STORED,
    moved: true,
    serving(store) {
      store.emit('disconnect');
      store.emit('connect');
    },
  },
};

// Which call makes which request.
const CALLS = {
  GetItem: 'get', PutItem: 'set', UpdateItem: 'touch', DeleteItem: 'destroy',
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
    scene.prepare?.(store);
    const app = await framework.serveFor(t, store, scene.options, scene.handler ?? (() => {}));
    scene.serving?.(store);
    if (scene.refused) recorder.answer(scene.refused, failure('ResourceNotFoundException', 'boom'));

    const from = Date.now();
    const visitor = new Visitor(app.url, scene.cookie || stored ? framework.cookies(key) : {});
    const answer = await visitor.get();
    await until('the calls', () => calls.length >= expected.calls.length);
    await store.close();
    const to = Date.now();
    await until('the errors', () => app.errors.length >= expected.errors.length);

    assert.deepEqual(calls.map((call) => inWords(call, key)), expected.calls);
    assert.equal(answer.status, expected.status);
    assert.equal(answer.setCookies.length, expected.cookies);
    assert.deepEqual(app.errors.map((error) => {
      if (error.code === undefined) return error.message;
      assert.equal(error.code, 'ResourceNotFoundException');
      return CALLS[error.operation];
    }), expected.errors);

    // And the table.
    const [last, id, session] = calls.at(-1) ?? [];
    const item = await table.get(key);
    if (scene.gone) assert.equal(item, undefined);
    else if (scene.moved) assertLives(item, from, to, MINUTE);
    else assert.deepEqual(item, earlier);
    if (!scene.refused && ['set', 'touch'].includes(last)) {
      const written = await table.get(id);
      assert.deepEqual(written.session, attribute(session));
      assertLives(written, from, to, session.cookie.originalMaxAge ?? DAY);
      if (expected.cookies > 0) assert.equal(framework.idOf(visitor), id);
    }
  });
});

it('an error of the store is what is answered, without a word on tables, ids or credentials', async (t) => {
  recorder.reset();
  const key = unique('key');
  const store = new DynamoDBStore(local(recorder.endpoint, NAME));
  const app = await framework.serveFor(t, store, {}, () => {});
  recorder.answer('GetItem', failure('AccessDeniedException', `no ${NAME} for you`));
  const { status, body } = await new Visitor(app.url, framework.cookies(key)).get();
  assert.equal(status, 500);
  assert.equal(body.message, 'Unable to get session.');
  assert.equal(app.errors[0].table, NAME);
});

it('errors come after the answer where the session is saved after it, each once', async (t) => {
  recorder.reset();
  const store = new DynamoDBStore(local(recorder.endpoint, NAME));
  const app = await framework.serveFor(t, store, {}, (request) => { request.session.a = 1; });
  recorder.answer('PutItem', failure('AccessDeniedException'));
  const { status } = await new Visitor(app.url).get();
  assert.equal(status, 200);
  await until('the error', () => app.errors.length > 0);
  await store.close();
  assert.equal(app.errors.length, 1);
});
