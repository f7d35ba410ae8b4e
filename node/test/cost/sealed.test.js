'use strict';

// What sealed sessions cost beside plain ones: requests and capacity units, counted at the engine. The table that it
// prints is that of docs/cost.md.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const adapters = require('./adapters');
const { itemSize, priceOf } = require('./price');
const { FORMS, PRICES, SESSIONS } = require('./sealed');
const { sealedTable } = require('./table');

const engine = useEngine();
const recorder = useRecorder(engine, { add: { ReturnConsumedCapacity: 'TOTAL' } });

const ENCRYPTED = 2; // the flags of docs/at-rest.md
const COMPRESSED = 1;

// What an item says of the form that its session is stored in.
const flagsOf = ({ sealed }) => (sealed ? Buffer.from(sealed.B, 'base64')[1] : 0);

adapters.forEach((adapter) => describe(adapter.name, () => {
  const table = useTable(engine, 'sealed-cost');

  // What a visitor costs who has signed in, loads the session, and changes a field of it. The store's statistics must
  // show the same.
  const price = async (t, options, data) => {
    const store = adapter.stores['this package'].openWith(options)(recorder.endpoint, table.name);
    const { visitor, errors } = await adapter.serve(t, store, { data, pause() {} });
    await visitor.get('/sign-in');
    const earlier = store.stats().capacityUnits;
    recorder.reset();
    assert.equal((await visitor.get('/change')).status, 200);
    assert.deepEqual(errors, []);
    const { operations, read, write } = priceOf(recorder.calls);
    assert.deepEqual(operations, ['GetItem', 'UpdateItem']);
    assert.equal(store.stats().capacityUnits - earlier, read + write);
    return { read, write, item: await table.get(adapter.idOf(visitor)) };
  };

  Object.entries(SESSIONS).forEach(([session, data]) => {
    it(`${session}: ${PRICES[session].join(', ')}`, async (t) => {
      const paid = {};
      for (const [index, [form, options]] of Object.entries(FORMS).entries()) {
        const { item, read, write } = await price(t, options, data);
        paid[form] = { read, write };
        const [size, units] = PRICES[session][index].split(': ');
        assert.equal(`${read} + ${write}`, units, form);
        if (adapter.name.startsWith('koa')) assert.equal(`${(itemSize(item) / 1024).toFixed(1)} KB`, size, form);
        // Only what saves units is compressed.
        const isCompressed = options.compress && write < paid.plain.write;
        assert.equal(flagsOf(item), (options.encryption ? ENCRYPTED : 0) + (isCompressed ? COMPRESSED : 0), form);
      }
      if (!data.cart) return;
      const [plain, encrypted, ...compressed] = Object.values(paid);
      compressed.forEach(({ read, write }) => [plain, encrypted].forEach((before) => {
        assert.ok(read * 2 <= before.read && write * 2 <= before.write, 'compression halves the units of a cart');
      }));
    });
  });
}));

it('the table of docs/cost.md', (t) => {
  const printed = sealedTable();
  assert.deepEqual(Object.keys(PRICES), Object.keys(SESSIONS));
  Object.values(PRICES).forEach((cells) => assert.equal(cells.length, Object.keys(FORMS).length));
  t.diagnostic(printed);
});
