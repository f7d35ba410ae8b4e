'use strict';

// DynamoDB stalls, and calls go on coming. Calls up to the limit wait until their timeout; the others fail at once.

const assert = require('node:assert/strict');
const { after, before, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { startFaultServer } = require('../support/faults');
const { serveFor, VERSIONS } = require('../support/koa');
const { runScript } = require('../support/subprocess');
const Visitor = require('../support/visitor');

let server;
before(async () => { server = await startFaultServer(); });
after(() => server.stop());

const CALLS = 10000;
// The default values of maxConnections and maxQueue.
const FIT = 128 + 4096;
// For sessions of 1 KB: 10 000 waiting calls take no more than 20 MB.
const BOUND = 200 * 2 ** 20;

// Makes all calls at once. Returns how each kind ended, in which order, and the memory that they took.
const issue = async (Store, options, secret, calls) => {
  const credentials = async () => ({ accessKeyId: 'KEY', secretAccessKey: secret });
  const store = new Store({ ...options, dynamoConfig: { ...options.dynamoConfig, credentials } });
  const session = { text: 'x'.repeat(1000) };
  // The memory before the first call.
  await store.get('x').catch(() => {});
  const without = process.memoryUsage().rss;
  const counts = {};
  const order = [];
  const settled = (code, details) => {
    counts[code] = (counts[code] || 0) + 1;
    if (order.at(-1) !== code) order.push(code);
    return details;
  };
  const call = (index) => {
    if (index % 3 === 0) return store.get(`id${index}`);
    return index % 3 === 1 ? store.set(`id${index}`, session, 60000, { ctx: {} }) : store.destroy(`id${index}`);
  };
  const from = performance.now();
  const ends = Array.from({ length: calls }, (_, index) => call(index).then(
    () => settled('done', []),
    (err) => settled(err.code, [err.code, err.retryable, err.attempts, err.hint]),
  ));
  const results = await Promise.all(ends);
  const growth = process.resourceUsage().maxRSS * 1024 - without;
  console.log(JSON.stringify({
    counts, order, shed: results.find(([code]) => code === 'OverloadedError'), ms: performance.now() - from, growth,
  }));
  await store.close();
};

it(`stalled, and ${CALLS} calls: memory is bounded, every promise settles, calls over the limit at once`, async () => {
  await server.play({ default: 'hang' });
  const { credentials, ...dynamoConfig } = server.options('t').dynamoConfig;
  const options = { table: { name: 't00' }, dynamoConfig };
  const end = await runScript(issue, [options, server.secret, CALLS], { ms: 60000 });
  await server.pass();
  // There was no unhandled rejection, and no warning.
  assert.equal(end.stderr, '');
  assert.equal(end.code, 0);
  const {
    counts, order, shed, ms, growth,
  } = JSON.parse(end.stdout);
  const {
    OverloadedError, TimeoutError, NetworkingError = 0, ...others
  } = counts;
  assert.deepEqual(others, {});
  // On a slow machine some calls reach their timeout, and free their place, before the last calls are made. A call
  // whose connection took too long fails with that error.
  assert.ok(OverloadedError <= CALLS - FIT && OverloadedError > 0.9 * (CALLS - FIT), JSON.stringify(counts));
  assert.equal(OverloadedError + TimeoutError + NetworkingError, CALLS);
  assert.equal(order[0], 'OverloadedError', 'at once');
  const [, retryable, attempts, hint] = shed;
  assert.equal(retryable, true);
  assert.equal(attempts, 0, 'no request was sent');
  assert.match(hint, /./);
  assert.ok(growth < BOUND, `${Math.round(growth / 2 ** 20)} MB`);
  assert.ok(ms < 30000, `${Math.round(ms)} ms`);
  console.log(`# ${Math.round(ms)} ms, ${Math.round(growth / 2 ** 20)} MB`);
});

it('an app: visitors over the limit get 500 at once, the others an answer when DynamoDB works again', async (t) => {
  const table = server.table();
  await table.create();
  const store = new DynamoDBStore(server.options(table.name, {
    maxConnections: 1, maxQueue: 2, operationTimeout: 60000, httpOptions: { timeout: 60000 },
  }));
  const app = await serveFor(t, VERSIONS[0], { store }, (ctx) => ({ views: ctx.session.views }));
  await table.putSession('a', { M: { views: { N: '1' } } });
  const view = () => new Visitor(app.url, { 'koa.sess': 'a' }).get();
  assert.equal((await view()).status, 200);

  await server.play({ default: { 'drip-body': { ms: 5 } } });
  const answers = await Promise.all(Array.from({ length: 20 }, view));
  await server.pass();
  const count = (status) => answers.filter((answer) => answer.status === status).length;
  assert.equal(count(200), 3);
  assert.equal(count(500), 17);
  assert.deepEqual([...new Set(app.errors.map(({ code }) => code))], ['OverloadedError']);
  assert.equal((await view()).status, 200);
});
