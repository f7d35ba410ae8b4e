'use strict';

// What parallel changes of one session cost, and how many are lost: with this package, and with those that it replaces.
// The rows that it prints are those of docs/cost.md.

const assert = require('node:assert/strict');
const { after, describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const Gate = require('../support/gate');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const adapters = require('./adapters');
const { priceOf } = require('./price');

const engine = useEngine();
const recorder = useRecorder(engine, { add: { ReturnConsumedCapacity: 'TOTAL' } });

const storesOf = (name) => {
  const adapter = adapters.find((other) => other.name === name);
  return Object.entries(adapter.stores).map(([storeName, store]) => ({ adapter, storeName, ...store }));
};
const [ours, ...others] = storesOf('koa-session 7');
const legacy = others.at(-1);
const [oursInExpress, ...peers] = storesOf('express-session');
const peer = peers.at(-1);

// Stores that share nothing stand for processes. All requests have loaded the session before the first one changes it.
const change = async (t, { adapter, open }, table, { requests, processes }) => {
  const gate = new Gate();
  const pause = (path) => (path.startsWith('/set/') ? gate.pass() : undefined);
  const apps = [];
  for (let index = 0; index < processes; index += 1) {
    const store = open(recorder.endpoint, table.name);
    apps.push(await adapter.serve(t, store, { data: { text: 'x'.repeat(400) }, pause }));
  }
  const [{ visitor }] = apps;
  await visitor.get('/sign-in');
  const { cookies } = visitor;
  recorder.reset();
  const fields = Array.from({ length: requests }, (_, index) => `field${index}`);
  const answers = fields.map((field, index) => {
    const other = apps[index % processes].visitor;
    other.cookies = cookies;
    return other.get(`/set/${field}`);
  });
  await gate.arrived(requests);
  const begin = performance.now();
  gate.open();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  const ms = Math.round(performance.now() - begin);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.deepEqual(apps.flatMap(({ errors }) => errors), []);
  const { operations, write } = priceOf(recorder.calls);
  const [item] = await table.scan();
  const kept = JSON.stringify(item);
  return {
    writes: operations.filter((operation) => operation !== 'GetItem').length,
    units: write,
    ms,
    lost: fields.filter((field) => !kept.includes(`${field}"`) && !kept.includes(`${field}\\"`)).length,
  };
};

describe('parallel changes of one session', () => {
  const rows = [];
  after(() => console.log(rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')));

  [[2, 1], [6, 1], [30, 1], [6, 3], [30, 3]].forEach(([requests, processes]) => {
    describe(`${requests} from ${processes}`, () => {
      [ours, legacy, oursInExpress, peer].forEach((store) => {
        const isOurs = [ours, oursInExpress].includes(store);
        const table = useTable(engine, 'parallel', store.table?.key);

        it(`${store.adapter.name}, ${store.storeName}`, async (t) => {
          const {
            writes, units, ms, lost,
          } = await change(t, store, table, { requests, processes });
          const cells = [store.adapter.name, store.storeName, writes, units, `${ms} ms`, lost];
          rows.push([`${requests} from ${processes}`, ...cells]);
          if (isOurs) {
            assert.equal(lost, 0);
            // One that goes first, and those that have come together by then.
            if (processes === 1) assert.ok(writes >= 2 && writes <= 4, `${writes} writes`);
            // In a round each process can meet each of the others. After the first, most changes go together.
            else assert.ok(writes >= processes && writes <= 36, `${writes} writes`);
          } else {
            assert.equal(writes, requests);
            assert.equal(lost, requests - 1);
          }
        });
      });
    });
  });
});
