'use strict';

// The budgets, as ratios to the legacy package measured in the same run: never absolute times, which say more about
// the machine. Rounds of the two packages alternate and medians are compared; a noisy machine gets three tries.

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { execFile, fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const threadMicroseconds = require('./thread-cpu')(fs, process);

const TRIES = 3;
const CPU_ROUNDS = 7;
const CPU_RATIO = 30;
const START_ROUNDS = 9;
const START_RATIO = 40;
// As many operations as take each package a few hundred milliseconds.
const COUNTS = { ours: 20000, legacy: 800 };

// What the AWS documentation tells users of SDK v2 to set: the legacy package at its best.
const env = {
  ...process.env,
  AWS_NODEJS_CONNECTION_REUSE_ENABLED: '1',
  AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
};
const script = (name) => path.join(__dirname, name);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// Measures both packages by turns, `rounds` times each; the one that begins alternates too.
async function interleave(rounds, measure) {
  const results = { ours: [], legacy: [] };
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? ['ours', 'legacy'] : ['legacy', 'ours'];
    for (const name of order) {
      results[name].push(await measure(name));
    }
  }
  return { ours: median(results.ours), legacy: median(results.legacy) };
}

async function within(t, limit, unit, measure) {
  let ratio = 0;
  for (let attempt = 1; attempt <= TRIES && ratio < limit; attempt += 1) {
    const { ours, legacy } = await measure();
    ratio = legacy / ours;
    t.diagnostic(`${t.name}: legacy ${legacy.toFixed(1)} ${unit}, ours ${ours.toFixed(1)} ${unit}: `
      + `1/${ratio.toFixed(1)} (budget 1/${limit}, try ${attempt})`);
  }
  assert.ok(ratio >= limit, `1/${ratio.toFixed(1)} of the legacy package's, budget 1/${limit}`);
}

const nullServer = {};

before(async () => {
  const child = spawn(process.execPath, [script('null-server.js')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  Object.assign(nullServer, { child, port: String(line).trim() });
});

after(() => nullServer.child.stdin.end());

const ask = async (worker, message) => {
  worker.send(message);
  const [answer] = await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(([code]) => { throw new Error(`the worker ended with ${code}`); }),
  ]);
  return answer.microseconds;
};

for (const operation of ['get', 'set']) {
  const cannot = threadMicroseconds ? false : 'no per-thread CPU time on this platform';
  test(`event-loop CPU of a ${operation}`, { skip: cannot }, (t) => within(t, CPU_RATIO, 'µs', async () => {
    const workers = Object.fromEntries(Object.keys(COUNTS).map((name) => [
      name, fork(script('worker.js'), [name, nullServer.port], { env }),
    ]));
    try {
      const measure = (name) => ask(workers[name], { operation, count: COUNTS[name] });
      await interleave(2, measure); // warms both up
      return await interleave(CPU_ROUNDS, measure);
    } finally {
      Object.values(workers).forEach((worker) => worker.kill());
    }
  }));
}

test('time of require and first get', (t) => within(t, START_RATIO, 'ms', async () => {
  const run = promisify(execFile);
  const measure = async (name) => {
    const { stdout } = await run(process.execPath, [script('first-get.js'), name, nullServer.port], { env });
    return Number(stdout);
  };
  await interleave(1, measure); // brings the files into the page cache
  return interleave(START_ROUNDS, measure);
}));
