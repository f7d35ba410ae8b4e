'use strict';

// Requests that run in parallel do not overwrite each other: of a session a request writes the top-level fields it
// changed, and no others.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const AWS = require('aws-sdk');
const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const sessionsOf = require('../fixtures/sessions');
const { useEngine } = require('../support/engine');
const Gate = require('../support/gate');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, localAlone, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const EXPIRY = ['_expire', '_maxAge', '_session'];
const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('parallel');
let table;

before(async () => {
  await recorder.started;
  table = rawTable(engine.endpoint, NAME);
  await table.create();
});

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, NAME, more));
const newLegacy = () => new Legacy(local(engine.endpoint, NAME));

// What the application keeps, without koa-session's own fields.
const dataOf = (item) => Object.fromEntries(Object.entries(item.session.M).filter(([name]) => !EXPIRY.includes(name)));

// The attributes that a request to change an item names.
const namesIn = ({ body }) => Object.values(body.ExpressionAttributeNames);

// Requests that have all loaded the session before the first of them goes on. They go on one after the other, in
// their order, so that the outcome is certain whatever the store does: `changes[i](session, ctx)`.
const inParallel = async (t, {
  version, store, id, changes, options = {},
}) => {
  const gates = changes.map(() => new Gate());
  const app = await serveFor(t, version, { store, ...options }, async (ctx) => {
    const index = Number(ctx.query.request);
    await gates[index].pass();
    await changes[index](ctx.session, ctx);
  });
  const answers = changes.map((_, index) => new Visitor(app.url, { 'koa.sess': id }).get(`/?request=${index}`));
  answers.forEach((answer) => answer.catch(() => {})); // what the first of them met is what counts
  await Promise.all(gates.map((gate) => gate.arrived()));
  for (const [index, gate] of gates.entries()) {
    gate.open();
    assert.equal((await answers[index]).status, 200);
  }
  assert.deepEqual(app.errors, []);
  return dataOf(await table.get(id));
};

// The same, all going on at once.
const atOnce = async (t, {
  version, store, id, changes, options = {},
}) => {
  const gate = new Gate();
  const app = await serveFor(t, version, { store, ...options }, async (ctx) => {
    await gate.pass();
    await changes[Number(ctx.query.request)](ctx.session, ctx);
  });
  const answers = changes.map((_, index) => new Visitor(app.url, { 'koa.sess': id }).get(`/?request=${index}`));
  await gate.arrived(changes.length);
  gate.open();
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.deepEqual(app.errors, []);
  return dataOf(await table.get(id));
};

// One request that does this with the session `id`; what it sent.
const oneRequest = async (t, {
  version, store, id, change, options = {},
}) => {
  const app = await serveFor(t, version, { store, ...options }, (ctx) => change(ctx.session, ctx));
  recorder.reset();
  const { status } = await new Visitor(app.url, { 'koa.sess': id }).get();
  assert.deepEqual(app.errors, []);
  assert.equal(status, 200);
  return recorder.calls.filter(({ operation }) => operation !== 'GetItem');
};

const stored = async (session, store = newStore()) => {
  const id = unique('id');
  await store.set(id, session, HOUR, { ctx: {} });
  return id;
};

VERSIONS.forEach((version) => {
  describe(`${version.name}: requests in parallel`, () => {
    const START = {
      a: 1, b: 1, c: 1, cart: { items: [1], note: 'x' },
    };
    const N = (number) => ({ N: String(number) });

    // name: [what the requests do, what is there afterwards, what is there with the legacy package]
    const CASES = {
      'different fields': [
        [(session) => { session.a = 2; }, (session) => { session.b = 2; }, (session) => { session.d = 2; }],
        { a: N(2), b: N(2), d: N(2) },
        { a: N(1), b: N(1), d: N(2) },
      ],
      'the same field: the last one wins': [
        [(session) => { session.a = 2; }, (session) => { session.a = 3; }],
        { a: N(3) },
        { a: N(3) },
      ],
      'one removes a field, the other changes another': [
        [(session) => { delete session.a; }, (session) => { session.b = 2; }],
        { a: undefined, b: N(2) },
        { a: N(1), b: N(2) },
      ],
      'one changes a field, the other removes another': [
        [(session) => { session.b = 2; }, (session) => { session.a = undefined; }],
        { a: undefined, b: N(2) },
        { a: undefined, b: N(1) },
      ],
      'both remove the same field': [
        [(session) => { delete session.a; }, (session) => { delete session.a; }],
        { a: undefined },
        { a: undefined },
      ],
      'one puts another session in its place, the other changes a field': [
        [(_, ctx) => { ctx.session = { d: 1 }; }, (session) => { session.b = 2; }],
        {
          a: undefined, b: N(2), c: undefined, cart: undefined, d: N(1),
        },
        { a: N(1), b: N(2), d: undefined },
      ],
      'an object is written whole: the last one wins': [
        [(session) => { session.cart.items.push(2); }, (session) => { session.cart.note = 'y'; }],
        { cart: { M: { items: { L: [N(1)] }, note: { S: 'y' } } } },
        { cart: { M: { items: { L: [N(1)] }, note: { S: 'y' } } } },
      ],
      'an object and another field': [
        [(session) => { session.cart.items.push(2); }, (session) => { session.a = 2; }],
        { a: N(2), cart: { M: { items: { L: [N(1), N(2)] }, note: { S: 'x' } } } },
        { a: N(2), cart: { M: { items: { L: [N(1)] }, note: { S: 'x' } } } },
      ],
      'many saves in each': [
        [
          async (session) => {
            for (session.a = 2; session.a < 5; session.a += 1) await session.save();
          },
          async (session) => {
            for (session.b = 2; session.b < 5; session.b += 1) await session.save();
          },
        ],
        { a: N(5), b: N(5) },
        { a: N(1), b: N(5) },
      ],
      'only a read, rolling, after a change': [
        [(session) => { session.a = 2; }, (session) => session.save()],
        { a: N(2) },
        { a: N(1) },
      ],
    };
    const untouched = {
      a: N(1), b: N(1), c: N(1), cart: { M: { items: { L: [N(1)] }, note: { S: 'x' } } },
    };
    const resulting = (changed) => Object.fromEntries(
      Object.entries({ ...untouched, ...changed }).filter(([, value]) => value !== undefined),
    );

    Object.entries(CASES).forEach(([name, [changes, ours, legacy]]) => {
      it(name, async (t) => {
        const store = newStore();
        const id = await stored(START, store);
        assert.deepEqual(await inParallel(t, {
          version, store, id, changes,
        }), resulting(ours));
      });

      it(`${name}, on a row of the legacy package`, async (t) => {
        const id = unique('id');
        await newLegacy().set(id, START, HOUR);
        assert.deepEqual(await inParallel(t, {
          version, store: newStore(), id, changes,
        }), resulting(ours));
        assert.match((await table.get(id)).created.N, /^\d+$/);
      });

      const isLost = JSON.stringify(resulting(ours)) !== JSON.stringify(resulting(legacy));
      it(`${name}: the legacy package ${isLost ? 'loses something' : 'does the same'}`, async (t) => {
        const store = newLegacy();
        const id = unique('id');
        await store.set(id, START, HOUR);
        assert.deepEqual(await inParallel(t, {
          version, store, id, changes,
        }), resulting(legacy));
      });
    });

    it('twenty at once: nothing is lost', async (t) => {
      const names = Array.from({ length: 20 }, (_, i) => `field${i}`);
      const changes = names.map((name) => (session) => { session[name] = name; });
      const store = newStore();
      const id = await stored({ user: 'Ada' }, store);
      const expected = { user: { S: 'Ada' }, ...Object.fromEntries(names.map((name) => [name, { S: name }])) };
      assert.deepEqual(await atOnce(t, {
        version, store, id, changes,
      }), expected);
      assert.equal(store.stats().conflicts, 0);

      const row = unique('id');
      await newLegacy().set(row, { user: 'Ada' }, HOUR);
      assert.deepEqual(await atOnce(t, {
        version, store, id: row, changes,
      }), expected);
      assert.equal(store.stats().conflicts, 0);
    });

    it('twenty at once: the legacy package keeps one', async (t) => {
      const changes = Array.from({ length: 20 }, (_, i) => (session) => { session[`field${i}`] = i; });
      const store = newLegacy();
      const id = await stored({ user: 'Ada' }, store);
      const data = await atOnce(t, {
        version, store, id, changes,
      });
      assert.equal(Object.keys(data).length, 2);
    });

    it('`created` stays what it was', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const { created } = await table.get(id);
      const changes = [(session) => { session.a = 2; }, (session) => { session.b = 2; }];
      await inParallel(t, {
        version, store, id, changes,
      });
      assert.deepEqual((await table.get(id)).created, created);
    });

    it("`created` of a legacy row is set by the first save, and the other's is no conflict", async (t) => {
      const store = newStore();
      const id = unique('id');
      await newLegacy().set(id, { a: 1 }, HOUR);
      const from = Date.now();
      const seen = [];
      const changes = [
        (session) => { session.a = 2; },
        async (session) => {
          seen.push((await table.get(id)).created);
          session.b = 2;
        },
        async (session) => {
          seen.push((await table.get(id)).created);
          session.c = 2;
        },
      ];
      assert.deepEqual(await inParallel(t, {
        version, store, id, changes,
      }), { a: N(2), b: N(2), c: N(2) });
      seen.push((await table.get(id)).created);
      assert.deepEqual(new Set(seen.map(({ N: ms }) => ms)).size, 1);
      assert.ok(Number(seen[0].N) >= from && Number(seen[0].N) <= Date.now());
      assert.equal(store.stats().conflicts, 0);
    });

    it("conflict: 'overwrite': the session is written whole, the last one wins", async (t) => {
      const store = newStore({ conflict: 'overwrite' });
      const id = await stored(START, store);
      const { created } = await table.get(id);
      recorder.reset();
      const changes = [(session) => { session.a = 2; }, (session) => { session.b = 2; }];
      assert.deepEqual(await inParallel(t, {
        version, store, id, changes,
      }), resulting({ b: N(2) }));
      assert.deepEqual((await table.get(id)).created, created);
      assert.equal(store.stats().conflicts, 0);
      // Whole, and on condition: it is still the session that was loaded.
      const writes = recorder.calls.filter(({ operation }) => operation !== 'GetItem');
      assert.equal(writes.length, 2);
      writes.forEach(({ body }) => assert.match(body.ConditionExpression, /attribute_exists/));
    });
  });

  describe(`${version.name}: ids that are the same for two first visits`, () => {
    const firstVisits = async (t, options) => {
      const store = newStore();
      const gates = [new Gate(), new Gate()];
      const app = await serveFor(t, version, { store, ...options }, async (ctx) => {
        const index = Number(ctx.query.request);
        await gates[index].pass();
        ctx.session[`field${index}`] = index;
      });
      const visit = (index, cookies) => new Visitor(app.url, cookies).get(`/?request=${index}`);
      return {
        app, store, gates, visit,
      };
    };

    it('genid: what both wrote is there', async (t) => {
      const id = unique('same');
      const {
        app, store, gates, visit,
      } = await firstVisits(t, { genid: () => id });
      const answers = [visit(0), visit(1)];
      await Promise.all(gates.map((gate) => gate.arrived()));
      gates[0].open();
      await answers[0];
      const { created } = await table.get(id);
      gates[1].open();
      await answers[1];
      const item = await table.get(id);
      assert.deepEqual(dataOf(item), { field0: { N: '0' }, field1: { N: '1' } });
      assert.deepEqual(item.created, created);
      assert.deepEqual(app.errors, []);
      assert.equal(store.stats().conflicts, 0);
    });

    it('genid: at once', async (t) => {
      const id = unique('same');
      const { gates, visit } = await firstVisits(t, { genid: () => id });
      const answers = [visit(0), visit(1)];
      await Promise.all(gates.map((gate) => gate.arrived()));
      gates.forEach((gate) => gate.open());
      await Promise.all(answers);
      assert.deepEqual(dataOf(await table.get(id)), { field0: { N: '0' }, field1: { N: '1' } });
    });

    it('externalKey, both asked for the session and there was none', async (t) => {
      const id = unique('same');
      const externalKey = { get: () => id, set() {} };
      const { gates, visit } = await firstVisits(t, { externalKey, genid: () => id });
      recorder.reset();
      const answers = [visit(0), visit(1)];
      await Promise.all(gates.map((gate) => gate.arrived()));
      assert.deepEqual(recorder.operations(), ['GetItem', 'GetItem']);
      for (const [index, gate] of gates.entries()) {
        gate.open();
        await answers[index];
      }
      assert.deepEqual(dataOf(await table.get(id)), { field0: { N: '0' }, field1: { N: '1' } });
    });

    it('a row that has expired is replaced, not merged with', async (t) => {
      const id = unique('same');
      const past = { N: String(Math.floor(Date.now() / 1000) - 1) };
      await table.putSession(id, { M: { user: { S: 'Ada' } } }, { expires: past, created: { N: '1' } });
      const { gates, visit, store } = await firstVisits(t, { genid: () => id });
      gates[0].open();
      await visit(0, { 'koa.sess': id });
      const item = await table.get(id);
      assert.deepEqual(dataOf(item), { field0: { N: '0' } });
      assert.ok(Number(item.created.N) > 1);
      assert.equal(store.stats().conflicts, 0);
    });

    it('the legacy package keeps one', async (t) => {
      const id = unique('same');
      const gate = new Gate();
      const app = await serveFor(t, version, { store: newLegacy(), genid: () => id }, async (ctx) => {
        await gate.pass();
        ctx.session[ctx.path.slice(1)] = 1;
      });
      const answers = [new Visitor(app.url).get('/a'), new Visitor(app.url).get('/b')];
      await gate.arrived(2);
      gate.open();
      await Promise.all(answers);
      assert.equal(Object.keys(dataOf(await table.get(id))).length, 1);
    });
  });

  describe(`${version.name}: what is written`, () => {
    it('a field that changed, and the expiry', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1, b: 1 }, store);
      const calls = await oneRequest(t, {
        version, store, id, change: (session) => { session.a = 2; },
      });
      assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
      const names = namesIn(calls[0]);
      assert.ok(names.includes('a'));
      assert.ok(!names.includes('b'));
      EXPIRY.slice(0, 2).forEach((name) => assert.ok(names.includes(name), name));
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
    // koa-session itself makes something else of these names.
    const namesOfItsOwn = ['keys of Object'];

    Object.entries(sessions).filter(([name]) => !namesOfItsOwn.includes(name)).forEach(([name, session]) => {
      it(`${name}, unchanged: the expiry alone`, async (t) => {
        const store = newStore();
        const id = await stored(session, store);
        const earlier = await table.get(id);
        const calls = await oneRequest(t, {
          version, store, id, change: (_, ctx) => ctx.session.save(), options: { autoCommit: false },
        });
        assert.deepEqual(calls.map(({ operation }) => operation), ['UpdateItem']);
        const fields = namesIn(calls[0]).filter((one) => !['sessionId', 'session', 'expires', 'created'].includes(one));
        assert.deepEqual(fields.filter((field) => !EXPIRY.includes(field)), []);
        assert.deepEqual(dataOf(await table.get(id)), dataOf(earlier));
      });
    });

    it('values no session of this package has are kept, digit for digit and byte for byte', async (t) => {
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
      Object.keys(attributes).forEach((name) => assert.ok(!namesIn(calls[0]).includes(name), name));
      const { views, ...kept } = dataOf(await table.get(id));
      assert.deepEqual(views, { N: '1' });
      assert.deepEqual(kept, attributes);
    });

    it('a number written anew is written anew, also where the old one looks the same', async (t) => {
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
      const changed = calls.map((call) => namesIn(call).filter((name) => /^[abc]$/.test(name)).sort());
      assert.deepEqual(changed, [['a'], ['b'], ['a', 'c']]);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' }, b: { N: '2' } });
    });

    it('in one request: writes that nobody waited for arrive in their order', async (t) => {
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
      // A call made later has come by: nothing else was sent meanwhile.
      await store.get(unique('other'));
      assert.equal(recorder.only('UpdateItem').length, 1);
      held.release();
      assert.equal((await answer).status, 200);
      const values = recorder.only('UpdateItem').map(({ body }) => {
        const name = Object.entries(body.ExpressionAttributeNames).find(([, attribute]) => attribute === 'a')[0];
        const [, value] = new RegExp(`${name}\\s*=\\s*(:\\w+)`).exec(body.UpdateExpression);
        return body.ExpressionAttributeValues[value].N;
      });
      assert.deepEqual(values, ['1', '2', '3']);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '3' } });
    });

    it('in one request: a write that fails is told, and the next one goes on from what is stored', async (t) => {
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
    // With the clock of koa-session, which is the host's.
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

    it("from 'session' to a number, and back: what is not in the unit any more is removed", async (t) => {
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
    // It drops them on the way to the application or back; who cannot see a field cannot have removed it. With 6,
    // names that its model has only a getter for are an error of its own.
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

  describe(`${version.name}: changes that do not fit into one request`, () => {
    const many = (count, value) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, value(i)]));

    it('more than 100 fields: several, each on the same condition', async (t) => {
      const store = newStore();
      const id = await stored({ ...many(150, () => 0), kept: true }, store);
      const calls = await oneRequest(t, {
        version,
        store,
        id,
        change(session) {
          Object.assign(session, many(250, (i) => i));
          delete session.field7;
        },
      });
      assert.ok(calls.length >= 3, `${calls.length} requests`);
      assert.deepEqual(new Set(calls.map(({ operation }) => operation)), new Set(['UpdateItem']));
      assert.equal(new Set(calls.map(({ body }) => body.ConditionExpression)).size, 1);
      calls.forEach(({ body }) => assert.ok(body.UpdateExpression.length <= 4096));
      const { field7, kept, ...rest } = dataOf(await table.get(id));
      assert.equal(field7, undefined);
      assert.deepEqual(kept, { BOOL: true });
      const expected = Object.fromEntries(Object.entries(many(250, (i) => ({ N: String(i) })))
        .filter(([name]) => name !== 'field7'));
      assert.deepEqual(rest, expected);
    });

    it('two such requests at once: nothing is lost', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const data = await atOnce(t, {
        version,
        store,
        id,
        changes: ['x', 'y'].map((letter) => (session) => {
          for (let i = 0; i < 150; i += 1) session[`${letter}${i}`] = i;
        }),
      });
      assert.equal(Object.keys(data).length, 301);
    });

    it('destroyed meanwhile: none of them arrives', async (t) => {
      const store = newStore();
      const gate = new Gate();
      const id = await stored({ a: 1 }, store);
      const app = await serveFor(t, version, { store }, async (ctx) => {
        await gate.pass();
        Object.assign(ctx.session, many(250, (i) => i));
      });
      const slow = new Visitor(app.url, { 'koa.sess': id }).get();
      await gate.arrived();
      await store.destroy(id);
      recorder.reset();
      gate.open();
      assert.equal((await slow).status, 200);
      assert.equal(await table.get(id), undefined);
      assert.deepEqual(recorder.operations(), ['UpdateItem']);
      assert.equal(store.stats().conflicts, 1);
    });

    it('destroyed between two of them: the session stays away', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const app = await serveFor(t, version, { store }, (ctx) => { Object.assign(ctx.session, many(250, (i) => i)); });
      recorder.reset();
      let updates = 0;
      recorder.answer('UpdateItem', async () => {
        updates += 1;
        if (updates === 2) await newLegacy().destroy(id);
      });
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 200);
      assert.equal(updates, 2);
      assert.equal(await table.get(id), undefined);
      assert.equal(store.stats().conflicts, 1);
    });

    it('long names: the expression stays within the service\'s limit', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const long = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`${'long'.repeat(50)}${i}`, i]));
      const calls = await oneRequest(t, {
        version, store, id, change: (session) => Object.assign(session, long) && undefined,
      });
      calls.forEach(({ body }) => assert.ok(body.UpdateExpression.length <= 4096));
      assert.equal(Object.keys(dataOf(await table.get(id))).length, 91);
    });
  });

  describe(`${version.name}: changes that are too large together`, () => {
    const large = (letter) => letter.repeat(250000);

    it('two requests: the second is refused, and what the first wrote is there', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const gates = [new Gate(), new Gate()];
      const app = await serveFor(t, version, { store }, async (ctx) => {
        const [index, name] = ctx.path === '/x' ? [0, 'x'] : [1, 'y'];
        await gates[index].pass();
        ctx.session[name] = large(name);
      });
      const answers = ['/x', '/y'].map((path) => new Visitor(app.url, { 'koa.sess': id }).get(path));
      await Promise.all(gates.map((gate) => gate.arrived()));
      gates[0].open();
      assert.equal((await answers[0]).status, 200);
      gates[1].open();
      assert.equal((await answers[1]).status, 500);
      assert.deepEqual(app.errors.map(({ code }) => code), ['ItemTooLargeError']);
      assert.deepEqual(dataOf(await table.get(id)), { a: { N: '1' }, x: { S: large('x') } });
    });

    it('one request that puts other large fields in the place of large ones fits', async (t) => {
      const store = newStore();
      const text = 'x'.repeat(2500);
      const fields = (letter) => Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`${letter}${i}`, text]));
      const id = await stored(fields('a'), store);
      const calls = await oneRequest(t, {
        version, store, id, change: (_, ctx) => { ctx.session = fields('b'); },
      });
      assert.ok(calls.length > 1);
      assert.deepEqual(new Set(calls.map(({ operation }) => operation)), new Set(['UpdateItem']));
      assert.deepEqual(Object.keys(dataOf(await table.get(id))).sort(), Object.keys(fields('b')).sort());
    });
  });

  describe(`${version.name}: a row that cannot be changed field by field`, () => {
    const become = async (t, session, more = {}) => {
      const store = newStore();
      const gate = new Gate();
      const id = await stored({ a: 1, b: 1 }, store);
      const app = await serveFor(t, version, { store }, async (ctx) => {
        await gate.pass();
        ctx.session.a = 2;
      });
      const slow = new Visitor(app.url, { 'koa.sess': id }).get();
      await gate.arrived();
      await table.put({
        sessionId: { S: id }, expires: { N: String(Math.ceil(Date.now() / 1000) + 3600) }, ...session, ...more,
      });
      recorder.reset();
      gate.open();
      const { status } = await slow;
      return {
        status, app, item: await table.get(id), operations: recorder.operations(),
      };
    };

    Object.entries({
      text: { session: { S: 'x' } }, list: { session: { L: [] } }, nothing: {},
    }).forEach(([name, session]) => {
      it(`session is ${name}: written whole, on condition`, async (t) => {
        const {
          status, app, item, operations,
        } = await become(t, session);
        assert.deepEqual(app.errors, []);
        assert.equal(status, 200);
        assert.deepEqual(dataOf(item), { a: { N: '2' }, b: { N: '1' } });
        assert.deepEqual(operations, ['UpdateItem', 'PutItem']);
        assert.match(recorder.only('PutItem')[0].body.ConditionExpression, /attribute_exists/);
      });

      it(`session is ${name}, of somebody else: left alone`, async (t) => {
        const { status, item } = await become(t, session, { created: { N: '1' } });
        assert.equal(status, 200);
        assert.deepEqual(item.session, session.session);
      });
    });

    it('what cannot be written whole either: its error is the one shown', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const app = await serveFor(t, version, { store }, (ctx) => { ctx.session.a = 2; });
      recorder.reset();
      const refused = (message) => ({ status: 400, body: { __type: 'x#ValidationException', message } });
      recorder.answer('UpdateItem', refused('of the update'));
      recorder.answer('PutItem', refused('Item size has exceeded the maximum allowed size'));
      assert.equal((await new Visitor(app.url, { 'koa.sess': id }).get()).status, 500);
      assert.equal(app.errors[0].code, 'ItemTooLargeError');
      assert.deepEqual(recorder.operations(), ['GetItem', 'UpdateItem', 'PutItem']);
      recorder.reset();
    });
  });
});
