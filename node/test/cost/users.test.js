'use strict';

// What the sessions of users cost: requests and capacity units, counted at the engine. The table that it prints is that
// of docs/cost.md. ./cost.test.js has the page views.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const adapters = require('./adapters');
const { priceOf } = require('./price');
const { usersTable } = require('./table');
const { of, PRICES } = require('./users');
const { SIZES } = require('./views');

const engine = useEngine();
const recorder = useRecorder(engine, { add: { ReturnConsumedCapacity: 'TOTAL' } });

/** How many sessions a user has before, and what is then priced. */
const SCENES = {
  'first sign-in of a user': { before: 0, signsIn: true },
  'sign-in of a user': { before: 1, signsIn: true },
  'list of 3 sessions': { before: 3, call: (store, user) => store.sessionsOf(user) },
  'revoke of 1 session': { before: 1, call: (store, user, { ref }) => store.revoke(user, ref) },
  'revoke of 3 sessions': { before: 3, call: (store, user) => store.revokeUser(user) },
  'revoke of 2 sessions, except 1': { before: 3, call: (store, user, { id }) => store.revokeUser(user, { except: id }) },
};

adapters.forEach((adapter) => describe(adapter.name, () => {
  const table = useTable(engine, 'users-cost');
  let users = 0;

  const price = async (t, { before, signsIn, call }, text) => {
    users += 1;
    const user = `user${users}`;
    const store = adapter.stores['this package'].openWith({ users: { of } })(recorder.endpoint, table.name);
    const open = () => adapter.serve(t, store, { data: { user, text }, pause() {} });
    let id;
    for (let count = 0; count < before; count += 1) {
      const { visitor } = await open();
      await visitor.get('/sign-in');
      id = adapter.idOf(visitor);
    }
    const [{ ref } = {}] = before > 0 ? await store.sessionsOf(user) : [];
    const { visitor, errors } = await open();
    const earlier = store.stats().capacityUnits;
    recorder.reset();
    if (signsIn) assert.equal((await visitor.get('/sign-in')).status, 200);
    else await call(store, user, { id, ref });
    assert.deepEqual(errors, []);
    const paid = priceOf(recorder.calls);
    assert.equal(store.stats().capacityUnits - earlier, paid.read + paid.write, 'the store counts the same as the engine');
    return paid;
  };

  Object.entries(PRICES).forEach(([what, [operations, ...units]]) => {
    it(`${what}: ${operations}, ${units.join(' / ')}`, async (t) => {
      for (const [index, [size, length]] of Object.entries(SIZES).entries()) {
        const paid = await price(t, SCENES[what], 'x'.repeat(length));
        assert.equal(`${paid.read} + ${paid.write}`, units[index], size);
        // Sessions are revoked side by side.
        assert.deepEqual(paid.operations.sort(), operations.split(' ').sort(), size);
      }
    });
  });
}));

it('the table of docs/cost.md', (t) => {
  assert.deepEqual(Object.keys(SCENES), Object.keys(PRICES));
  t.diagnostic(usersTable(adapters));
});
