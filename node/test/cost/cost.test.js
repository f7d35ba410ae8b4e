'use strict';

// The cost of page views: requests and capacity units, counted at the engine, with this package and with the package
// that it replaces. The store's statistics must show the same.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const Gate = require('../support/gate');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const adapters = require('./adapters');
const { itemSize, priceOf } = require('./price');
const { CAPTION, tableOf } = require('./table');
const { SIZES, VIEWS } = require('./views');

const engine = useEngine();
const recorder = useRecorder(engine, { add: { ReturnConsumedCapacity: 'TOTAL' } });

const sumIn = ({ operations }, name) => Object.values(operations).reduce((sum, operation) => sum + operation[name], 0);

adapters.forEach((adapter) => {
  describe(adapter.name, () => {
    Object.entries(adapter.stores).forEach(([storeName, {
      open, openBefore = open, prices, table: layout = {}, keyOf = (id) => `${layout.prefix ?? ''}${id}`,
    }]) => {
      describe(storeName, () => {
        const table = useTable(engine, 'cost', layout.key);
        let users = 0;

        // What another process does meanwhile. A store of this package leaves a tombstone.
        const signOut = async (key, id) => {
          const other = open(engine.endpoint, table.name);
          if (other.stats) await other.destroy(id);
          else await table.delete(key);
        };

        // The price of one page view of a visitor who has signed in.
        const price = async (t, view, data) => {
          const gate = new Gate();
          const pause = (path) => (view.isDestroyed && path === view.path ? gate.pass() : undefined);
          const earlierStore = openBefore(recorder.endpoint, table.name);
          const { visitor, errors } = await adapter.serve(t, earlierStore, { data, pause });
          if (!view.isNew) await visitor.get('/sign-in');
          const store = open(recorder.endpoint, table.name, { touchAfter: view.touchAfter });
          const app = await adapter.serve(t, store, { data, pause, rolling: view.rolling });
          visitor.url = app.visitor.url;
          const key = view.isNew ? undefined : keyOf(adapter.idOf(visitor));
          const bytes = key && itemSize(await table.get(key));
          const earlier = store.stats?.();

          recorder.reset();
          const answer = visitor.get(view.path);
          if (view.isDestroyed) {
            await gate.arrived();
            await signOut(key, adapter.idOf(visitor));
            gate.open();
          }
          assert.equal((await answer).status, 200);
          assert.deepEqual([...errors, ...app.errors], []);
          const paid = priceOf(recorder.calls);
          if (earlier) {
            const stats = store.stats();
            const added = (count) => sumIn(stats, count) - sumIn(earlier, count);
            assert.equal(added('capacityUnits'), paid.read + paid.write, 'the store counts the same as the engine');
            assert.equal(stats.capacityUnits - earlier.capacityUnits, paid.read + paid.write);
            assert.equal(added('requests'), paid.operations.length);
            assert.equal(stats.skippedTouches - earlier.skippedTouches, view.touchAfter ? 1 : 0);
          }
          return { ...paid, bytes };
        };

        Object.entries(VIEWS).filter(([view]) => prices[view]).forEach(([view, scene]) => {
          const [operations, ...units] = prices[view];
          it(`${view}: ${operations || 'nothing'}, ${units.join(' / ')}`, async (t) => {
            for (const [index, size] of Object.entries(SIZES).entries()) {
              const [sizeName, length] = size;
              // No two visitors are the same user.
              users += 1;
              const paid = await price(t, scene, { text: 'x'.repeat(length), user: `user${users}` });
              assert.equal(paid.operations.join(' '), operations, sizeName);
              assert.equal(`${paid.read} + ${paid.write}`, units[index], sizeName);
              if (paid.bytes) assert.equal(`${Math.ceil(paid.bytes / 1024)} KB`, sizeName);
            }
          });
        });

        it('every view of this store has a price', () => {
          const missing = Object.entries(VIEWS).filter(([view]) => !prices[view]).map(([, scene]) => scene);
          // Only touchAfter, which only this package has, may be missing.
          assert.deepEqual(missing.filter(({ touchAfter }) => !touchAfter), []);
          assert.deepEqual(Object.keys(prices).filter((view) => !VIEWS[view]), []);
        });
      });
    });

    it('the table of docs/cost.md', (t) => {
      const printed = tableOf(adapter);
      assert.equal(printed.split('\n').length, Object.keys(VIEWS).length + 2);
      t.diagnostic(`${CAPTION}\n${printed}`);
    });
  });
});
