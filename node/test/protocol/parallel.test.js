'use strict';

// Parallel requests do not overwrite each other: a request puts the top-level fields that it changed on the session
// that it meets.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const Gate = require('../support/gate');
const { serveFor, VERSIONS } = require('../support/koa');
const { unique } = require('../support/options');
const Visitor = require('../support/visitor');
const {
  atOnce, dataOf, HOUR, inParallel, newLegacy, newStore, recorder, stored, table,
} = require('./writes');

VERSIONS.forEach((version) => {
  describe(`${version.name}: requests in parallel`, () => {
    const START = {
      a: 1, b: 1, c: 1, cart: { items: [1], note: 'x' },
    };
    const N = (number) => ({ N: String(number) });

    // name: [the changes of the requests, the session afterwards, the session with the legacy package]
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

      it(`${name}, on an item of the legacy package`, async (t) => {
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

    it('`created` does not change', async (t) => {
      const store = newStore();
      const id = await stored({ a: 1 }, store);
      const { created } = await table.get(id);
      const changes = [(session) => { session.a = 2; }, (session) => { session.b = 2; }];
      await inParallel(t, {
        version, store, id, changes,
      });
      assert.deepEqual((await table.get(id)).created, created);
    });

    it('`created` of a legacy item is set by the first save, and the other save is not a conflict', async (t) => {
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
      // The whole session, on the state that was loaded, and then on the one that the second request met.
      const writes = recorder.calls.filter(({ operation }) => operation !== 'GetItem');
      assert.equal(writes.length, 3);
      writes.forEach(({ body }) => assert.match(body.ConditionExpression, /attribute_exists\(.*#r = :rev/));
      const states = writes.map(({ body }) => body.ExpressionAttributeValues[':rev'].B);
      assert.equal(states[0], states[1]);
      assert.notEqual(states[1], states[2]);
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

    it('externalKey, both requests found no session', async (t) => {
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

    it('an expired item is replaced, not merged', async (t) => {
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
});
