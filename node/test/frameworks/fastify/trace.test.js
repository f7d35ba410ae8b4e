'use strict';

// Every way @fastify/session uses a store, against the real one over real HTTP.

const assert = require('node:assert/strict');
const trace = require('../../fixtures/fastify-session-trace.json');
const framework = require('../../support/fastify');
const playTrace = require('../../support/play-trace');

const MINUTE = 60000;

const storedFor = (ms, maxAge = ms) => ({
  cookie: {
    originalMaxAge: maxAge, expires: new Date(Date.now() + ms).toISOString(), secure: false, httpOnly: true, path: '/',
  },
  a: 1,
});
const STORED = () => storedFor(MINUTE);

/** The request for each line of the trace, as ../../support/play-trace.js takes it. */
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
  'destroy error': {
    stored: STORED, refused: 'PutItem', failing: 'destroy', handler: ({ session }) => session.destroy(),
  },
  regenerate: { stored: STORED, gone: true, handler: ({ session }) => session.regenerate() },
  'regenerate, fields kept': { stored: STORED, gone: true, handler: ({ session }) => session.regenerate(['a']) },
  'expired cookie in the row': { stored: () => storedFor(-1000, MINUTE), gone: true },
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

playTrace(framework, trace, SCENES);
