'use strict';

// Every way express-session uses a store, against the real one over real HTTP.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { promisify } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const trace = require('../../fixtures/express-session-trace.json');
const framework = require('../../support/express');
const { local, unique } = require('../../support/options');
const playTrace = require('../../support/play-trace');
const { failure } = require('../../support/recorder');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');

const MINUTE = 60000;

const cookieOf = (ms) => ({
  originalMaxAge: ms,
  expires: ms === null ? null : new Date(Date.now() + ms).toISOString(),
  httpOnly: true,
  path: '/',
});
const STORED = () => ({ cookie: cookieOf(MINUTE), a: 1 });
const IN_A_MINUTE = { cookie: { maxAge: MINUTE } };

const calling = (session, method) => promisify((done) => session[method](done))();

/** The request for each line of the trace, as ../../support/play-trace.js takes it. */
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
  'destroy error': {
    stored: STORED, refused: 'PutItem', failing: 'destroy', handler: ({ session }) => calling(session, 'destroy'),
  },
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
    stored: STORED, refused: 'PutItem', failing: 'destroy', handler: ({ session }) => calling(session, 'regenerate'),
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

const { recorder, tableName } = playTrace(framework, trace, SCENES);

it('an error of the store is what is answered, without a word on tables, ids or credentials', async (t) => {
  recorder.reset();
  const key = unique('key');
  const store = new DynamoDBStore(local(recorder.endpoint, tableName));
  const app = await framework.serveFor(t, store, {}, () => {});
  recorder.answer('GetItem', failure('AccessDeniedException', `no ${tableName} for you`));
  const { status, body } = await new Visitor(app.url, framework.cookies(key)).get();
  assert.equal(status, 500);
  assert.equal(body.message, 'Unable to get session.');
  assert.equal(app.errors[0].table, tableName);
});

it('errors come after the answer where the session is saved after it, each once', async (t) => {
  recorder.reset();
  const store = new DynamoDBStore(local(recorder.endpoint, tableName));
  const app = await framework.serveFor(t, store, {}, (request) => { request.session.a = 1; });
  recorder.answer('PutItem', failure('AccessDeniedException'));
  const { status } = await new Visitor(app.url).get();
  assert.equal(status, 200);
  await until('the error', () => app.errors.length > 0);
  await store.close();
  assert.equal(app.errors.length, 1);
});
