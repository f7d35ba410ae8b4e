'use strict';

// Runs one of the Node subjects, in a process of its own: node worker.js SUBJECT. The Rust subjects have the same
// protocol; see rust/subject/src/main.rs.

const { readFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { setTimeout: after } = require('node:timers/promises');
const { serve } = require('./lines.js');
const { ID, MAX_AGE_MS } = require('./session.js');
const usage = require('./usage.js');

const { open } = require(`./subjects/${process.argv[2]}.js`); // eslint-disable-line import/no-dynamic-require

let store;
let session;

/** For each operation, a function that makes the call that is repeated. */
const OPERATIONS = {
  get: async () => () => store.get(ID, MAX_AGE_MS, { ctx: {}, rolling: false }),

  // The first session of a visitor.
  put: async () => () => store.set(ID, session, MAX_AGE_MS, { changed: true, ctx: {}, rolling: false }),

  // The write of a request that has read and changed the session.
  async set() {
    const { ctx, data } = await loaded();
    return () => {
      data.views += 1;
      return store.set(ID, data, MAX_AGE_MS, { changed: true, ctx, rolling: false });
    };
  },

  // The write of a request that has only read the session, with koa-session's `rolling`.
  async rolling() {
    const { ctx, data } = await loaded();
    return () => {
      data._expire += 1000; // eslint-disable-line no-underscore-dangle
      return store.set(ID, data, MAX_AGE_MS, { changed: false, ctx, rolling: true });
    };
  },

  destroy: async () => () => store.destroy(ID, { ctx: {} }),
};

async function loaded() {
  const ctx = {};
  await store.get(ID, MAX_AGE_MS, { ctx, rolling: false });
  return { ctx, data: structuredClone(session) };
}

/** Runs an operation, so many in flight, for so long; otherwise once. */
async function run({
  operation, inFlight, seconds, watchDelay,
}) {
  const starts = await Promise.all(Array.from({ length: inFlight }, OPERATIONS[operation]));
  const times = [];
  let running = true;
  const lane = async (start) => {
    do {
      const begin = performance.now();
      await start();
      times.push(performance.now() - begin);
    } while (running);
  };

  const delay = watchDelay && monitorEventLoopDelay({ resolution: 1 });
  usage.forgetPeak();
  const began = performance.now();
  const before = usage.cpu();
  if (delay) delay.enable();
  const ended = Promise.all(starts.map(lane));
  if (seconds) await Promise.race([after(seconds * 1000), ended]);
  running = false;
  await ended;
  if (delay) delay.disable();
  const cpu = usage.since(before);
  const tookMs = performance.now() - began;

  const sorted = Float64Array.from(times).sort();
  const quantile = (percent) => sorted[Math.floor(((sorted.length - 1) * percent) / 100)];
  return {
    operations: times.length,
    loopUs: cpu.loopUs / times.length,
    processUs: cpu.processUs / times.length,
    perSecond: times.length / (tookMs / 1000),
    p50Ms: quantile(50),
    p99Ms: quantile(99),
    rssMb: usage.peakRssMb(),
    ...(delay && { delayP50Ms: delay.percentile(50) / 1e6, delayP99Ms: delay.percentile(99) / 1e6 }),
  };
}

serve({
  async open(place) {
    await store?.close();
    session = JSON.parse(readFileSync(place.session, 'utf8'));
    store = open(place);
  },
  read: async () => ({ session: await store.get(ID, MAX_AGE_MS, { ctx: {}, rolling: false }) ?? null }),
  run,
});
