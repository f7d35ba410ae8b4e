'use strict';

// Every event and option of koa-session, against the real store over real HTTP. What koa-session asks of a store in
// each case is recorded in fixtures/koa-session-trace.json; here are the requests that lead to it, and what is in
// the table afterwards.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const trace = require('../../fixtures/koa-session-trace.json');
const { serveFor, VERSIONS } = require('../../support/koa');
const { local, unique } = require('../../support/options');
const { failure, useRecorder } = require('../../support/recorder');
const useTable = require('../../support/table');
const { assertDeleted } = require('../../support/tombstone');
const Visitor = require('../../support/visitor');

const IN_AN_HOUR = () => Date.now() + 3600000;

// What each case needs: `stored` (the session the visitor's cookie points at), koa-session options, and a handler.
const SCENES = {
  'no cookie, session untouched': {},
  'no cookie, read only': { handler: (ctx) => ({ a: ctx.session.a }) },
  'no cookie, write': { handler: (ctx) => { ctx.session.a = 1; } },
  'cookie, miss': { cookie: true },
  'cookie, hit, unchanged': { stored: { a: 1 } },
  'cookie, hit, changed': {
    stored: { a: 1, _expire: IN_AN_HOUR(), _maxAge: 5000 },
    handler: (ctx) => { ctx.session.a = 2; },
  },
  'cookie, hit, unchanged, rolling': {
    stored: { a: 1, _expire: IN_AN_HOUR(), _maxAge: 86400000 },
    options: { rolling: true },
  },
  'cookie, hit, unchanged, renew due': {
    stored: () => ({ a: 1, _expire: Date.now() + 4000, _maxAge: 10000 }),
    options: { renew: true, maxAge: 10000 },
  },
  'cookie, hit, unchanged, renew not due': {
    stored: () => ({ a: 1, _expire: Date.now() + 9000, _maxAge: 10000 }),
    options: { renew: true, maxAge: 10000 },
  },
  'expired by _expire': { stored: () => ({ a: 1, _expire: Date.now() - 1 }) },
  'get throws': { stored: { a: 1 }, refused: 'GetItem' },
  'set throws': { refused: 'PutItem', handler: (ctx) => { ctx.session.a = 1; } },
  'handler throws + set throws': {
    refused: 'PutItem',
    handler: (ctx) => {
      ctx.session.a = 1;
      throw new Error('handler boom');
    },
  },
  'handler throws, session changed (still saved)': {
    handler: (ctx) => {
      ctx.session.a = 1;
      throw new Error('handler boom');
    },
  },
  'logout ctx.session=null (hit)': { stored: { a: 1 }, handler: (ctx) => { ctx.session = null; } },
  'logout ctx.session=null (no cookie)': { handler: (ctx) => { ctx.session = null; } },
  'destroy throws': {
    stored: { a: 1 },
    refused: ['PutItem', 'DeleteItem'],
    handler: (ctx) => { ctx.session = null; },
  },
  'session = {} (clear) on hit': { stored: { a: 1 }, handler: (ctx) => { ctx.session = {}; } },
  'session = {b:1} after null': {
    stored: { a: 1 },
    handler: (ctx) => {
      ctx.session = null;
      ctx.session = { b: 1 };
    },
  },
  'regenerate()': { stored: { a: 1 }, handler: (ctx) => ctx.session.regenerate() },
  'save() then auto': {
    stored: { a: 1 },
    handler: (ctx) => {
      ctx.session.a = 9;
      return ctx.session.save();
    },
  },
  'maxAge session': { options: { maxAge: 'session' }, handler: (ctx) => { ctx.session.a = 1; } },
  'maxAge session, double commit': {
    options: { maxAge: 'session' },
    handler: (ctx) => {
      ctx.session.a = 1;
      return ctx.session.save();
    },
  },
  'maxAge 0': { options: { maxAge: 0 }, handler: (ctx) => { ctx.session.a = 1; } },
  'maxAge -5': { options: { maxAge: -5 }, handler: (ctx) => { ctx.session.a = 1; } },
  'ctx.session.maxAge=1000': {
    handler: (ctx) => {
      ctx.session.a = 1;
      ctx.session.maxAge = 1000;
    },
    // A cookie expires at a whole second, so this one may be gone when the visitor gets it.
    sent: ({ setCookies }) => setCookies.map((line) => /^koa\.sess=([^;]+)/.exec(line)?.[1]).find(Boolean),
  },
  'ctx.session.maxAge="session"': {
    handler: (ctx) => {
      ctx.session.a = 1;
      ctx.session.maxAge = 'session';
    },
  },
  'autoCommit false': { options: { autoCommit: false }, handler: (ctx) => { ctx.session.a = 1; } },
  'autoCommit false + manuallyCommit': {
    options: { autoCommit: false },
    handler: (ctx) => {
      ctx.session.a = 1;
      return ctx.session.manuallyCommit();
    },
  },
  'Date & Buffer & fn & undefined & _private values': {
    handler: (ctx) => {
      Object.assign(ctx.session, {
        d: new Date(0), b: Buffer.from('a'), f() {}, u: undefined, n: null, _p: 1,
      });
    },
    session: {
      d: { S: '1970-01-01T00:00:00.000Z' }, b: { B: 'YQ==' }, n: { NULL: true },
    },
  },
  'externalKey get/set': {
    options: { externalKey: { get: () => undefined, set: (ctx, key) => ctx.set('x-key', key) } },
    handler: (ctx) => { ctx.session.a = 1; },
    sent: (answer) => answer.headers.get('x-key'),
  },
  'externalKey get returns key': {
    stored: { q: 1 },
    options: { externalKey: { get: (ctx) => ctx.get('x-key'), set: (ctx, key) => ctx.set('x-key', key) } },
    handler: (ctx) => { ctx.session.a = 1; },
    sent: (answer) => answer.headers.get('x-key'),
  },
  prefix: { prefix: 'p:', handler: (ctx) => { ctx.session.a = 1; } },
  'beforeSave + valid false': {
    stored: { a: 1 },
    options: { valid: () => false, beforeSave: () => { throw new Error('nothing was to be saved'); } },
  },
};

// The store, and the calls it got in the shape of the fixture.
const recording = (calls) => {
  const record = (call, args) => {
    calls.push([call, ...JSON.parse(JSON.stringify(args.map((arg) => {
      if (!arg?.ctx) return arg ?? null;
      const { ctx, ...given } = arg;
      return given;
    })))]);
  };
  return class Recording extends DynamoDBStore {
    get(...args) {
      record('get', args);
      return super.get(...args);
    }

    set(...args) {
      record('set', args);
      return super.set(...args);
    }

    destroy(...args) {
      record('destroy', args);
      return super.destroy(...args);
    }
  };
};

// A call as the fixture has it: `KEY` for the id the visitor came with, `NEW` for one made up meanwhile.
const inWords = ([call, id, ...args], key, prefix) => {
  const word = id === key ? 'KEY' : `${id.startsWith(prefix) ? prefix : ''}NEW`;
  if (call === 'get') return [call, word, args[0], { rolling: Boolean(args[1].rolling) }];
  if (call === 'destroy') return [call, word];
  const [{ _expire, ...session }, maxAge, { changed, rolling }] = args;
  if (_expire !== undefined) session._expire = '<ms>'; // eslint-disable-line no-underscore-dangle
  return [call, word, session, maxAge, { changed, rolling: Boolean(rolling) }];
};

const cookieInWords = (cookie, key, prefix) => cookie
  .replace(/^koa\.sess=([^;]+)/, (_, id) => `koa.sess=${id === key ? 'KEY' : `${id.startsWith(prefix) ? prefix : ''}NEW`}`)
  .replace(/expires=(?!Thu, 01 Jan 1970)[^;]*/, 'expires=<date>');

const assertLives = (item, from, until, ms) => {
  const expires = Number(item.expires.N);
  assert.ok(expires >= Math.ceil((from + ms) / 1000), `expires ${expires} is too early`);
  assert.ok(expires <= Math.ceil((until + ms) / 1000), `expires ${expires} is too late`);
};

module.exports = function traceOf(engine) {
  const recorder = useRecorder(engine);
  const table = useTable(engine, 'trace');

  it('there is a scene for every line of the trace', () => {
    assert.deepEqual(trace.map(({ name }) => name), Object.keys(SCENES));
  });

  VERSIONS.forEach((version) => {
    describe(version.name, () => {
      trace.forEach((expected) => {
        const scene = SCENES[expected.name];
        it(expected.name, async (t) => {
          recorder.reset();
          const calls = [];
          const key = unique('key');
          const stored = typeof scene.stored === 'function' ? scene.stored() : scene.stored;
          const store = new (recording(calls))(local(recorder.endpoint, table.name));
          if (stored) {
            // Shorter than what any scene writes.
            await store.set(key, stored, 9000);
            calls.length = 0;
          }
          const earlier = await table.get(key);
          [scene.refused ?? []].flat().forEach((operation) => {
            recorder.answer(operation, failure('AccessDeniedException', 'boom'));
          });
          const options = { store, ...scene.options };
          if (scene.prefix) options.prefix = scene.prefix;
          else options.genid = () => unique('new');
          const app = await serveFor(t, version, options, scene.handler || (() => {}));

          const from = Date.now();
          const visitor = new Visitor(app.url, scene.cookie || stored ? { 'koa.sess': key } : {});
          const answer = await visitor.get('/', stored ? { 'x-key': key } : {});
          const until = Date.now();

          assert.equal(answer.status, expected.status);
          assert.deepEqual(calls.map((call) => inWords(call, key, scene.prefix || '')), expected.calls);
          assert.deepEqual(
            answer.setCookies.map((cookie) => cookieInWords(cookie, key, scene.prefix || '')),
            expected.cookies,
          );
          // The events of the fixture: `session:…`, or `app.error:` and whose error it is.
          const problems = app.errors.map((err) => {
            if (err.message === 'handler boom') return 'app.error:handler boom';
            assert.equal(err.code, 'AccessDeniedException');
            return `app.error:${calls.at(-1)[0]} boom`;
          });
          assert.deepEqual([...app.events.map(({ name }) => name), ...problems], expected.events);
          app.events.forEach((event) => assert.equal(event.key, key));

          // And the table.
          const [last, id, session, maxAge] = calls.at(-1) || [];
          const destroyed = calls.filter(([call]) => call === 'destroy').map((call) => call[1]);
          if (last === 'set' && scene.refused !== 'PutItem') {
            const item = await table.get(id);
            const lives = typeof maxAge === 'number' ? maxAge : 86400000;
            assertLives(item, from, until, lives);
            assert.deepEqual(Object.keys(item.session.M).sort(), Object.keys(session).sort());
            Object.entries(scene.session || {}).forEach(([name, value]) => {
              assert.deepEqual(item.session.M[name], value);
            });
            // Koa drops the headers of an answer that became an error; a cookie in the past is not kept.
            const sent = scene.sent ? scene.sent(answer) : visitor.sessionId;
            if (answer.status === 200 && maxAge !== 9995) assert.equal(sent, id);
          } else if (last === 'set') {
            assert.equal(await table.get(id), undefined);
          } else if (last !== 'destroy') {
            assert.deepEqual(await table.get(key), earlier);
          }
          if (!scene.refused?.includes('DeleteItem')) {
            await Promise.all(destroyed.map(async (gone) => assertDeleted(await table.get(gone))));
          }
        });
      });
    });
  });
};
