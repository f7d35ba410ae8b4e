'use strict';

// Ids that visitors invent, through a Koa app: in a cookie, byte by byte, and by `externalKey`, where they can be any
// string. An invalid id finds no session and sends no request. Every other id is looked up unchanged.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const { assertDeleted, assertNoSession } = require('../support/tombstone');
const Visitor = require('../support/visitor');

const MEGABYTE = 2 ** 20;

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'ids');

const newStore = () => new DynamoDBStore(local(recorder.endpoint, table.name));

const routes = {
  '/': (ctx) => ({ id: ctx.session.externalKey, session: ctx.session }),
  '/count': (ctx) => {
    ctx.session.views = (ctx.session.views || 0) + 1;
    return { views: ctx.session.views };
  },
  '/keep': (ctx) => { ctx.session.own = ctx.query.own; },
  '/sign-out': (ctx) => { ctx.session = null; },
};
const handler = (ctx) => routes[ctx.path](ctx);

// The id is sent in a header, as JSON in ASCII, so that it can be any string of JavaScript.
const HEADER = 'x-session';
const written = (id) => JSON.stringify(id).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const externalKey = {
  get: (ctx) => (ctx.get(HEADER) ? JSON.parse(ctx.get(HEADER)) : undefined),
  set: (ctx, id) => ctx.set(HEADER, written(id)),
};

// The answer to a cookie of these bytes: its status, and its body if that is JSON.
async function comeWith(url, cookie) {
  const { port } = new URL(url);
  const socket = net.connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: koa.sess=');
  socket.write(cookie);
  socket.write('\r\n\r\n');
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  const [head, body] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body: head.includes('json') && JSON.parse(body) };
}

const keysAsked = () => recorder.only('GetItem').map(({ body }) => body.Key.sessionId.S);

// Different ids that a component on the way could treat as the same.
const TWINS = {
  'composed and decomposed': ['\u00e9', 'e\u0301'],
  'the Kelvin sign and K': ['\u212a', 'K'],
  'a ligature and its letters': ['\ufb01', 'fi'],
  'full width and not': ['\uff21', 'A'],
  'upper and lower case': ['A', 'a'],
  'sharp s and ss': ['\u00df', 'ss'],
  'with and without a space at its end': ['a ', 'a'],
  'with and without a NUL at its end': ['a\u0000', 'a'],
  'with and without a soft hyphen': ['a\u00adb', 'ab'],
  'with and without a joiner': ['a\u200db', 'ab'],
  'in either direction': ['\u202eab', 'ab'],
  'escaped and not': ['%61', 'a'],
  'the replacement character, and a question mark': ['\ufffd', '?'],
};

const LOOKALIKES = ['#a', ':v', '#e = :now', 'attribute_exists(x)', 'a" OR "1"="1', 'a OR 1=1', '{"S":"x"}', '$ne', '*',
  '../x', '__proto__', 'constructor', 'toString', '\\u0061', '&#97', '<b>', 'sessionId'];

VERSIONS.forEach((version) => {
  describe(version.name, () => {
    describe('in a cookie', () => {
      const CASES = {
        empty: ['', 200],
        'only quotes': ['""', 200],
        'invalid UTF-8': [Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0x80]), 200, '\u00c3(\u00ff\u00fe\u0080'],
        'a surrogate in UTF-8': [Buffer.from([0xed, 0xa0, 0x80]), 200, '\u00ed\u00a0\u0080'],
        'an overlong NUL in UTF-8': [Buffer.from([0x61, 0xc0, 0x80]), 200, 'a\u00c0\u0080'],
        'an escaped NUL': ['a%00b', 200, 'a%00b'],
        // Node.js itself refuses these.
        NUL: ['a\u0000b', 400],
        '1 MB': ['x'.repeat(MEGABYTE), 431],
      };
      Object.entries(CASES).forEach(([name, [cookie, status, asked]]) => {
        it(`${name}: ${status}, and ${asked ? 'that very id is looked up' : 'no request'}`, async (t) => {
          const app = await serveFor(t, version, { store: newStore() }, handler);
          recorder.reset();
          const answer = await comeWith(app.url, cookie);
          assert.equal(answer.status, status);
          if (status === 200) assert.deepEqual(answer.body.session, {});
          assert.deepEqual(keysAsked(), asked ? [asked] : []);
          assert.equal(recorder.calls.length, asked ? 1 : 0);
          assert.deepEqual(app.errors, []);
        });
      });

      it('1 MB, where the server takes such headers: a miss, and no request', async (t) => {
        const options = { store: newStore(), server: { maxHeaderSize: 2 * MEGABYTE } };
        const app = await serveFor(t, version, options, handler);
        recorder.reset();
        const { status, body } = await comeWith(app.url, 'x'.repeat(MEGABYTE));
        assert.equal(status, 200);
        assert.deepEqual(body.session, {});
        assert.ok(body.id.length < 100);
        assert.deepEqual(recorder.operations(), []);
        assert.deepEqual(app.errors, []);
      });

      it('a valid id without a session: a new session under another id', async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        for (const id of LOOKALIKES) {
          recorder.reset();
          const visitor = new Visitor(app.url, { 'koa.sess': id });
          assert.deepEqual((await visitor.get('/count')).body, { views: 1 });
          assert.notEqual(visitor.sessionId, id);
          assert.deepEqual(keysAsked(), [id]);
          assertNoSession(await table.get(id));
        }
        assert.deepEqual(app.errors, []);
      });
    });

    describe('by externalKey', () => {
      const NONE = {
        empty: '',
        'a lone surrogate': 'a\ud800',
        'surrogates in the wrong order': '\udc00\ud800',
        'over 2048 bytes': '\u00e9'.repeat(1025),
        '1 MB': 'x'.repeat(MEGABYTE),
      };
      Object.entries(NONE).forEach(([name, id]) => {
        it(`${name}: no session, no request, and nothing can be stored under it`, async (t) => {
          const server = { maxHeaderSize: 2 * MEGABYTE };
          let next = unique('new');
          const options = {
            store: newStore(), server, externalKey, genid: () => next,
          };
          const app = await serveFor(t, version, options, handler);
          const visitor = new Visitor(app.url);
          recorder.reset();
          const { status, body } = await visitor.get('/', { [HEADER]: written(id) });
          assert.equal(status, 200);
          assert.deepEqual(body, { id: next, session: {} });
          assert.deepEqual(recorder.operations(), []);

          // koa-session treats the empty id as a missing one, and keeps the session in a cookie.
          if (id === '') return;
          next = id;
          assert.equal((await visitor.get('/count')).status, 500);
          assert.equal(app.errors[0].code, 'InvalidIdError');
          assert.ok(!`${app.errors[0].stack}${JSON.stringify(app.errors[0])}`.includes(id));
          assert.deepEqual(recorder.operations(), []);
        });
      });

      // Both ids have separate sessions, from the first visit to the sign-out of one of them.
      const liveApart = async (t, ids) => {
        let next;
        const options = { store: newStore(), externalKey, genid: () => next };
        const app = await serveFor(t, version, options, handler);
        const visit = (path, id) => new Visitor(app.url).get(path, id === undefined ? {} : { [HEADER]: written(id) });
        for (const [own, id] of ids.entries()) {
          next = id;
          const { headers } = await visit(`/keep?own=${own}`);
          assert.equal(headers.get(HEADER), written(id));
        }
        for (const [own, id] of ids.entries()) {
          assert.deepEqual((await visit('/', id)).body, { id, session: { own: String(own) } });
          assert.equal((await table.get(id)).sessionId.S, id);
        }
        await visit('/sign-out', ids[0]);
        assertDeleted(await table.get(ids[0]));
        for (const [own, id] of ids.slice(1).entries()) {
          await visit('/count', id);
          assert.deepEqual((await visit('/', id)).body, { id, session: { own: String(own + 1), views: 1 } });
          await visit('/sign-out', id);
          assertDeleted(await table.get(id));
        }
        assert.deepEqual(app.errors, []);
      };

      Object.entries(TWINS).forEach(([name, [one, other]]) => {
        it(`twins: ${name}`, (t) => {
          const start = unique('twin');
          return liveApart(t, [`${start}${one}`, `${start}${other}`]);
        });
      });

      it('NUL', (t) => liveApart(t, ['\u0000', '\u0000\u0000', `${unique('nul')}\u0000x`]));

      it('what looks like an expression, an attribute or a path', (t) => liveApart(t, LOOKALIKES));
    });
  });
});
