'use strict';

// What a process holds, and the rule by which it must not grow: the first third of a run warms up, and the last third
// is held against the second.

const fs = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const MB = 1024 * 1024;
// Shorter runs have not warmed up.
const JUDGED_MS = 60000;

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
};
const most = (numbers) => Math.max(...numbers);

// By vital: how a third is summed up, and how much of it the last third may have.
const RULES = {
  rssMb: { unit: 'MB', sum: median, limit: (before) => before * 1.05 + 4 },
  heapMb: { unit: 'MB', sum: median, limit: (before) => before * 1.05 + 1 },
  files: { unit: '', sum: median, limit: (before) => before * 1.1 + 5 },
  resources: { unit: '', sum: median, limit: (before) => before * 1.1 + 5 },
  threads: { unit: '', sum: most, limit: (before) => before },
  // A busy machine delays every process: only what multiplies is the process's own doing.
  delayMs: { unit: 'ms', sum: median, limit: (before) => before * 2 + 20 },
};

const entries = (directory) => {
  try {
    return fs.readdirSync(directory).length;
  } catch {
    return undefined; // no such thing on this system
  }
};

// Takes samples of this process, which needs `--expose-gc`: garbage is no growth.
class Vitals {
  #delay = monitorEventLoopDelay({ resolution: 10 });

  constructor() {
    this.#delay.enable();
  }

  sample() {
    const delayMs = this.#delay.percentile(99) / 1e6;
    global.gc();
    const { rss, heapUsed } = process.memoryUsage();
    const sample = {
      rssMb: rss / MB,
      heapMb: heapUsed / MB,
      files: entries('/proc/self/fd'),
      resources: process.getActiveResourcesInfo().length,
      threads: entries('/proc/self/task'),
      delayMs,
    };
    this.#delay.reset();
    return sample;
  }

  stop() {
    this.#delay.disable();
  }
}

// Samples come at even intervals. One entry a vital: the sums of the last two thirds, the limit, and whether it holds;
// none of too few samples.
const judge = (samples) => {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return [];
  const before = samples.slice(third, 2 * third);
  const last = samples.slice(-third);
  return Object.entries(RULES)
    .filter(([vital]) => samples[0]?.[vital] !== undefined)
    .map(([vital, { unit, sum, limit }]) => {
      const values = (part) => part.map((sample) => sample[vital]);
      const bound = limit(sum(values(before)));
      const found = sum(values(last));
      return {
        vital, unit, before: sum(values(before)), last: found, limit: bound, flat: found <= bound,
      };
    });
};

module.exports = { JUDGED_MS, Vitals, judge };
