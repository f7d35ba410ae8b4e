'use strict';

// One save puts the top-level fields that changed on the session that was loaded, in one write of the whole. A view
// that changes nothing writes the expiry alone. The expiry is one unit.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const AWS = require('aws-sdk');
const sessionsOf = require('../fixtures/sessions');
const { serveFor, VERSIONS } = require('../support/koa');
const { unique } = require('../support/options');
const Visitor = require('../support/visitor');
const {
  dataOf, EXPIRY, HOUR, inParallel, namesIn, newStore, oneRequest, recorder, stored, table, writtenIn,
} = require('./writes');

// What an UpdateItem names beside fields of the session.
const ATTRIBUTES = ['created', 'expires', 'gone', 'rev', 'session', 'sessionId'];

VERSIONS.forEach((version) => {
  describe(`${version.name}: what is written`, () => {
    it('the session that was loaded, with the field that changed and the expiry, on the state that was loaded', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1, b: 1 }, store);
      const { rev } = await table.get(id);
      const calls = await oneRequest(t, {
        version, store, id, change: (session) => { session.a = 2; },
      });
      assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
      const { _expire: expire, _maxAge: maxAge, ...data } = writtenIn(calls[0]);
      assert.deepEqual(data, { a: { N: '2' }, b: { N: '1' } });
      assert.ok(expire && maxAge);
      assert.match(calls[0].body.ConditionExpression, /#r = :rev/);
      assert.deepEqual(calls[0].body.ExpressionAttributeValues[':rev'], rev);
      // The state that was loaded is remembered.
      assert.ok(Buffer.from((await table.get(id)).rev.B, 'base64').subarray(8).equals(Buffer.from(rev.B, 'base64')));
    });

    const client = new AWS.DynamoDB.DocumentClient({ region: 'local' });
    const { 'koa-session 7': { _expire, ...ofKoa }, ...fixtures } = sessionsOf({
      createSet: (values) => client.createSet(values),
    });
    const sessions = {
      ...fixtures,
      'koa-session 7': ofKoa,
      'everything at once': {
        bytes: Buffer.from([0, 255]),
        date: new Date(0),
        set: new Set(['a']),
        map: new Map([['k', 1]]),
        number: NaN,
        nothing: null,
        list: [undefined, 1],
        typed: new Float64Array([1.5]),
        absent: undefined,
        text: 'a\ud800',
      },
    };
    // koa-session itself changes these names.
    const namesOfItsOwn = ['keys of Object'];

    Object.entries(sessions).filter(([name]) => !namesOfItsOwn.includes(name)).forEach(([name, session]) => {
      it(`${name}, unchanged: the expiry alone`, async (t) => {
        const store = newStore();
        // With koa-session's settings, which it would add: a change of them is a change of the session.
        const settings = '_session' in session ? {} : { _expire: Date.now() + HOUR, _maxAge: 24 * HOUR };
        const id = await stored({ ...session, ...settings }, store);
        const earlier = await table.get(id);
        const calls = await oneRequest(t, {
          version, store, id, change: (_, ctx) => ctx.session.save(), options: { autoCommit: false },
        });
        assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
        const fields = namesIn(calls[0]).filter((one) => !ATTRIBUTES.includes(one));
        assert.deepEqual(fields.filter((field) => !EXPIRY.includes(field)), []);
        assert.equal(writtenIn(calls[0]), undefined);
        const item = await table.get(id);
        assert.deepEqual(dataOf(item), dataOf(earlier));
        assert.deepEqual(item.rev, earlier.rev, 'no other state');
      });
    });

    it('values that this package never writes are kept, digit for digit and byte for byte', async (t) => {
      const attributes = {
        big: { N: '12345678901234567890123456789012345678' },
        exact: { N: '0.1000000000000000055511151231257827' },
        strings: { SS: ['a', 'b'] },
        numbers: { NS: ['1', '12345678901234567890123'] },
        bytes: { B: 'AAEC/w==' },
        blobs: { BS: ['AQ==', 'Ag=='] },
        nested: { M: { bytes: { B: 'AQ==' }, big: { N: '12345678901234567890123456789' }, set: { SS: ['x'] } } },
        list: { L: [{ B: 'AQ==' }, { N: '98765432109876543210' }, { NULL: true }] },
      };
      const id = unique('id');
      await table.putSession(id, { M: attributes });
      const calls = await oneRequest(t, {
        version, store: newStore(), id, change: (session) => { session.views = 1; },
      });
      Object.entries(attributes).forEach(([name, value]) => assert.deepEqual(writtenIn(calls[0])[name], value));
      const { views, ...kept } = dataOf(await table.get(id));
      assert.deepEqual(views, { N: '1' });
      assert.deepEqual(kept, attributes);
    });

    it('a number that is set anew is written, even if the old one looks the same', async (t) => {
      const id = unique('id');
      const digits = '12345678901234567890123';
      await table.putSession(id, { M: { big: { N: digits }, other: { N: '1.0' } } });
      await oneRequest(t, {
        version, store: newStore(), id, change: (session) => { session.big += 4194304; },
      });
      const { big, other } = dataOf(await table.get(id));
      assert.equal(Number(big.N), Number(digits) + 4194304);
      assert.equal(Number(other.N), 1);
    });

    it('an equal value in another order, or made anew, is no change', async (t) => {
      const store = newStore();
      const session = {
        user: { name: 'Ada', roles: ['a', 'b'] }, bytes: Buffer.from([1, 2]), at: '1970-01-01T00:00:00.000Z', zero: 0,
      };
      const id = await stored(session, store);
      const calls = await oneRequest(t, {
        version,
        store,
        id,
        change: (_, ctx) => {
          ctx.session = {
            zero: -0, at: new Date(0), bytes: new Uint8Array([1, 2]), user: { roles: ['a', 'b'], name: 'Ada', x: undefined },
          };
        },
      });
      const fields = namesIn(calls[0]);
      Object.keys(session).forEach((name) => assert.ok(!fields.includes(name), name));
    });

    it('a list in another order, null instead of nothing, text instead of a number are changes', async (t) => {
      const store = newStore();
      const id = await stored({ list: [1, 2], number: 1, bytes: Buffer.from('a') }, store);
      await oneRequest(t, {
        version,
        store,
        id,
        change: (session) => Object.assign(session, {
          list: [2, 1], number: '1', nothing: null, bytes: Buffer.from('b'),
        }) && undefined,
      });
      assert.deepEqual(dataOf(await table.get(id)), {
        list: { L: [{ N: '2' }, { N: '1' }] }, number: { S: '1' }, nothing: { NULL: true }, bytes: { B: 'Yg==' },
      });
    });

    it('changes inside an object handed out by get are seen: the base is what was stored', async (t) => {
      const store = newStore();
      const id = await stored({ deep: { list: [{ n: 1 }] }, bytes: Buffer.from([1]) }, store);
      await oneRequest(t, {
        version,
        store,
        id,
        change(session) {
          session.deep.list[0].n = 2;
          session.bytes[0] = 2;
        },
      });
      assert.deepEqual(dataOf(await table.get(id)), {
        deep: { M: { list: { L: [{ M: { n: { N: '2' } } }] } } }, bytes: { B: 'Ag==' },
      });
    });

    it('in one request: each commit writes what changed since the last', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1, b: 1, c: 1 }, store);
      const calls = await oneRequest(t, {
        version,
        store,
        id,
        options: { autoCommit: false },
        async change(session) {
          session.a = 2;
          await session.manuallyCommit();
          session.b = 2;
          await session.manuallyCommit();
          delete session.c;
          session.a = 1;
          await session.manuallyCommit();
        },
      });
      const written = calls.map((call) => Object.entries(writtenIn(call)).filter(([name]) => /^[abc]$/.test(name))
        .map(([name, { N }]) => `${name}${N}`).sort()
        .join(' '));
      assert.deepEqual(written, ['a2 b1 c1', 'a2 b2 c1', 'a1 b2']);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' }, b: { N: '2' } });
    });

    it('in one request: writes without an await arrive in their order', async (t) => {
      const store = newStore();
      const id = await stored({ a: 0 }, store);
      recorder.reset();
      const held = recorder.hold('UpdateItem');
      const app = await serveFor(t, version, { store, autoCommit: false }, (ctx) => {
        const saves = [1, 2, 3].map((n) => {
          ctx.session.a = n;
          return ctx.session.save();
        });
        return Promise.all(saves).then(() => ({}));
      });
      const answer = new Visitor(app.url, { 'koa.sess': id }).get();
      await held.arrived();
      // A later call has arrived, so no other request was sent before it.
      await store.get(unique('other'));
      assert.equal(recorder.only('UpdateItem').length, 1);
      held.release();
      assert.equal((await answer).status, 200);
      const values = recorder.only('UpdateItem').map((call) => writtenIn(call).a.N);
      assert.deepEqual(values, ['1', '2', '3']);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '3' } });
    });

    it('in one request: a write that fails is reported, and the next one starts from the stored session', async (t) => {
      const store = newStore({ dynamoConfig: { maxRetries: 0 } });
      const id = await stored({ a: 0, b: 0 }, store);
      recorder.reset();
      recorder.answer('UpdateItem', { status: 500, body: { __type: 'x#InternalServerError', message: 'no' } }, 1);
      const codes = [];
      const app = await serveFor(t, version, { store, autoCommit: false }, async (ctx) => {
        ctx.session.a = 1;
        await ctx.session.manuallyCommit().catch(({ code }) => codes.push(code));
        ctx.session.b = 1;
        await ctx.session.manuallyCommit();
      });
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
      assert.deepEqual(codes, ['InternalServerError']);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' }, b: { N: '1' } });
    });
  });

  describe(`${version.name}: the expiry is one unit`, () => {
    const unitOf = ({ session }) => Object.fromEntries(EXPIRY.filter((name) => session.M[name])
      .map((name) => [name, session.M[name]]));
    // koa-session uses the clock of the host.
    const assertUnit = (item, from, maxAge) => {
      const { _expire: expire, ...rest } = unitOf(item);
      assert.deepEqual(rest, { _maxAge: { N: String(maxAge) } });
      const ms = Number(expire.N);
      assert.ok(ms >= from + maxAge && ms <= Date.now() + maxAge);
      const expires = Number(item.expires.N);
      assert.ok(expires >= Math.ceil((ms + 10000) / 1000));
      assert.ok(expires <= Math.ceil((Date.now() + maxAge + 10000) / 1000));
    };

    it('a change writes all of it with the TTL attribute', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const from = Date.now();
      await oneRequest(t, {
        version, store, id, options: { maxAge: 60000 }, change: (session) => { session.a = 2; },
      });
      assertUnit(await table.get(id), from, 60000);
    });

    it("from 'session' to a number, and back: a field that leaves the unit is removed", async (t) => {
      const store = newStore();
      const id = await stored({ a: 1, _session: true }, store);
      const from = Date.now();
      await oneRequest(t, {
        version, store, id, change: (session) => { session.maxAge = 30000; },
      });
      assertUnit(await table.get(id), from, 30000);
      await oneRequest(t, {
        version, store, id, change: (session) => { session.maxAge = 'session'; },
      });
      const item = await table.get(id);
      assert.deepEqual(unitOf(item), { _session: { BOOL: true } });
      assert.ok(Number(item.expires.N) >= Math.ceil(from / 1000) + 86400);
      assert.deepEqual(dataOf(item), { a: { N: '1' } });
    });

    it('a shorter sessionTtl holds at once for sessions that do not say when they end', async (t) => {
      const long = newStore({ sessionTtl: 10 * HOUR });
      const id = unique('id');
      await long.set(id, { a: 1, _session: true }, 'session', { ctx: {} });
      const from = Date.now();
      const calls = await oneRequest(t, {
        version,
        store: newStore({ sessionTtl: HOUR }),
        id,
        options: { maxAge: 'session' },
        change: (session) => { session.a = 2; },
      });
      assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
      const item = await table.get(id);
      assert.deepEqual(dataOf(item), { a: { N: '2' } });
      assert.ok(Number(item.expires.N) <= Math.ceil((Date.now() + HOUR) / 1000));
      assert.ok(Number(item.expires.N) >= Math.ceil((from + HOUR) / 1000));
    });

    it('two requests with another maxAge each: one of them, whole', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      await inParallel(t, {
        version,
        store,
        id,
        changes: [(session) => { session.maxAge = 'session'; }, (session) => { session.maxAge = 30000; }],
      });
      assert.deepEqual(Object.keys(unitOf(await table.get(id))).sort(), ['_expire', '_maxAge']);
    });

    it('a row without expiry gets one', async (t) => {
      const id = unique('id');
      await table.put({ sessionId: { S: id }, session: { M: { a: { N: '1' } } } });
      const from = Date.now();
      await oneRequest(t, {
        version, store: newStore(), id, options: { maxAge: 60000, rolling: true }, change: () => {},
      });
      assertUnit(await table.get(id), from, 60000);
    });
  });

  describe(`${version.name}: fields koa-session does not carry`, () => {
    // koa-session drops them on the way to the application or back. A request that cannot see a field did not remove
    // it. In koa-session 6, names for which its model has only a getter are an error of koa-session.
    const FIELDS = {
      _x: { S: 'private' },
      _csrf: { M: { secret: { S: 's' } } },
      isNew: { BOOL: false },
      maxAge: { N: '3600000' },
      ...(version.name === 'koa-session 7' && {
        length: { N: '7' }, populated: { BOOL: true }, externalKey: { S: 'k' },
      }),
    };

    const CHANGES = {
      'a change': [(session) => { session.a = 2; }, { a: { N: '2' } }],
      'nothing changed, saved': [(session) => session.save(), { a: { N: '1' } }],
      'another session in its place': [(_, ctx) => { ctx.session = { b: 1 }; }, { b: { N: '1' } }],
    };
    Object.entries(CHANGES).forEach(([name, [change, data]]) => {
      it(`${name}: they stay`, async (t) => {
        const id = unique('id');
        await table.putSession(id, { M: { a: { N: '1' }, ...FIELDS } });
        await oneRequest(t, {
          version, store: newStore(), id, change,
        });
        assert.deepEqual(dataOf(await table.get(id)), { ...FIELDS, ...data });
      });
    });
  });
});
