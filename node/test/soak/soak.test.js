'use strict';

// A soak of a few seconds, and checks that a soak detects violations.

const assert = require('node:assert/strict');
const { randomInt } = require('node:crypto');
const { describe, it } = require('node:test');
const report = require('./report');
const soak = require('./soak');
const { judge } = require('../support/vitals');

// A small load, because a busy machine is not the subject of this test.
const SMALL = { visitors: 16, requests: 60 };
const LONG = 60000;

// Acknowledges requests without executing them.
const lie = (isLied) => async ({ operation, body, apply }) => (
  isLied(operation, body) ? { status: 200, headers: {}, body: Buffer.from('{}') } : apply()
);
const isUpdate = (operation) => operation === 'UpdateItem';
const isSignOut = (operation, body) => operation === 'PutItem' && JSON.parse(body).Item.gone !== undefined;

describe('a soak', () => {
  it('finds no violation', async (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const found = await soak({
      ms: 8000, seed, leaving: 0.05, ...SMALL,
    });
    assert.deepEqual(found.violations, [], report(found));
    const { visitors, faults, lastReport } = found;
    assert.ok(visitors.answered > 20, report(found));
    assert.ok(lastReport.counts.credentials > 1, 'the credentials did not rotate');
    assert.ok(Object.keys(faults).length > 5, report(found));
    assert.equal(found.usedExpired, 0);
    assert.match(report(found), /^Nothing was violated/m);
  });

  it('finds an acknowledged write that is lost', async () => {
    const found = await soak({
      ms: LONG, seed: 1, rate: 0.5, faults: { lie: lie(isUpdate) }, briefly: true, ...SMALL,
    });
    assert.match(report(found), /^- a session (shows|has) \d+ views/m);
    assert.match(report(found), /violations\*\* in /);
  });

  it('finds a session that came back after its visitor signed out', async () => {
    const found = await soak({
      ms: LONG, seed: 2, rate: 0.5, faults: { lie: lie(isSignOut) }, leaving: 0.3, briefly: true, ...SMALL,
    });
    assert.match(report(found), /^- a session that was signed out/m);
  });
});

const flat = (change) => Array.from({ length: 30 }, (_, number) => ({
  rssMb: 100, heapMb: 10, files: 50, resources: 40, threads: 8, delayMs: 20, ...change?.(number),
}));

it('a vital that does not grow, or only at first, is flat', () => {
  [flat(), flat((number) => (number < 10 ? { rssMb: 10 * number, threads: number % 8 } : {}))].forEach((samples) => {
    assert.deepEqual(judge(samples).filter((vital) => !vital.flat), []);
  });
});

it('each vital that keeps growing is found', () => {
  const growing = {
    rssMb: 2, heapMb: 0.5, files: 3, resources: 3, threads: 1, delayMs: 10,
  };
  Object.entries(growing).forEach(([vital, step]) => {
    const samples = flat((number) => ({ [vital]: 50 + step * Math.max(number - 15, 0) }));
    assert.deepEqual(judge(samples).filter((each) => !each.flat).map((each) => each.vital), [vital]);
  });
});
