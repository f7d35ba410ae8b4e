'use strict';

// With default options and the real clock: a visitor waits no longer than the table of faults says. The tests in Rust
// check all times, with an injected clock.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { rows, startFaultServer } = require('../support/faults');
const { serveFor, VERSIONS } = require('../support/koa');
const Visitor = require('../support/visitor');

// An allowance for the pauses between attempts, and for a busy machine.
const PAUSES = 25 + 50 + 100;
const TOLERANCE = 500;

const slow = rows().filter(({ sees, expect }) => sees && expect['*'].at);

test('the defaults', { concurrency: slow.length }, async (t) => {
  assert.ok(slow.length >= 4);
  await Promise.all(slow.map((row) => t.test(row.fault, async (inner) => {
    const server = await startFaultServer();
    inner.after(server.stop);
    const table = server.table();
    await table.create();
    const store = new DynamoDBStore(server.options(table.name, { endpoint: row.endpoint }));
    const app = await serveFor(inner, VERSIONS[0], { store }, () => ({}));
    const visitor = new Visitor(app.url, { 'koa.sess': 'a' });
    const { js, at } = row.expect.load ?? row.expect['*'];
    await server.play(row);
    const from = performance.now();
    const { status } = await visitor.get();
    const took = performance.now() - from;
    assert.equal(status, js ? 500 : 200);
    if (js) assert.equal(app.errors[0].code, js);
    const expected = at.at(-1);
    assert.ok(took >= expected - 1 && took <= expected + PAUSES + TOLERANCE, `${Math.round(took)} ms, not ${expected}`);
  })));
});
