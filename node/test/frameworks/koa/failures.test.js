'use strict';

// What a Koa app does when the table does not answer as it should: 500, the error at app.on('error'), nothing lost
// that was there and no request that waits for ever.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../../support/engine');
const { serveFor, VERSIONS } = require('../../support/koa');
const { local, localAlone, unique } = require('../../support/options');
const { failure, useRecorder } = require('../../support/recorder');
const useTable = require('../../support/table');
const Visitor = require('../../support/visitor');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'failures');

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));
const count = (ctx) => {
  ctx.session.views = (ctx.session.views || 0) + 1;
  return { views: ctx.session.views };
};

// Everything an error shows of itself.
const shown = (err) => `${err.stack} ${JSON.stringify(err)} ${inspect(err, { depth: 9, showHidden: true })}`;

VERSIONS.forEach((version) => {
  describe(version.name, () => {
    it('engine down: 500 within the deadline, and well again when it is back', async (t) => {
      recorder.reset();
      const app = await serveFor(t, version, { store: newStore() }, count);
      const visitor = new Visitor(app.url);
      await visitor.get();
      await recorder.down();
      try {
        const from = Date.now();
        const { status, body, setCookies } = await visitor.get();
        assert.ok(Date.now() - from < 7000, `took ${Date.now() - from} ms`);
        assert.equal(status, 500);
        assert.equal(body, 'Internal Server Error');
        assert.deepEqual(setCookies, []);
        const [err] = app.errors;
        assert.ok(err instanceof Error);
        assert.equal(err.message, 'Unable to get session.');
        assert.equal(typeof err.code, 'string');
        assert.equal(new URL(err.endpoint).origin, recorder.endpoint);
        assert.equal(err.table, table.name);
        assert.ok(!shown(err).includes(visitor.sessionId));

        const stranger = await new Visitor(app.url).get();
        assert.equal(stranger.status, 500);
        assert.equal(new URL(app.errors[1].endpoint).origin, recorder.endpoint);
      } finally {
        await recorder.up();
      }
      assert.deepEqual((await visitor.get()).body, { views: 2 });
    });

    it('the service refuses a read: 500, the error with its code, the handler does not run', async (t) => {
      recorder.reset();
      let ran = 0;
      const app = await serveFor(t, version, { store: newStore() }, (ctx) => {
        ran += 1;
        return count(ctx);
      });
      const visitor = new Visitor(app.url);
      await visitor.get();
      recorder.answer('GetItem', failure('AccessDeniedException', 'User is not authorized'));
      const { status, body } = await visitor.get();
      assert.equal(status, 500);
      assert.equal(body, 'Internal Server Error');
      assert.equal(ran, 1);
      const [err] = app.errors;
      assert.equal(err.message, 'Unable to get session.');
      assert.equal(err.code, 'AccessDeniedException');
      assert.equal(err.statusCode, 400);
      assert.equal(err.retryable, false);
      recorder.reset();
      assert.deepEqual((await visitor.get()).body, { views: 2 });
    });

    it('the service refuses a write: 500, no cookie, the item as it was', async (t) => {
      recorder.reset();
      const app = await serveFor(t, version, { store: newStore() }, count);
      const visitor = new Visitor(app.url);
      await visitor.get();
      const earlier = await table.get(visitor.sessionId);
      ['UpdateItem', 'PutItem'].forEach((operation) => {
        recorder.answer(operation, failure('AccessDeniedException', 'User is not authorized'));
      });
      const { status, setCookies } = await visitor.get();
      assert.equal(status, 500);
      assert.deepEqual(setCookies, []);
      assert.equal(app.errors[0].code, 'AccessDeniedException');
      assert.deepEqual(await table.get(visitor.sessionId), earlier);
    });

    it('throttled at first, served in the end', async (t) => {
      recorder.reset();
      const app = await serveFor(t, version, { store: newStore() }, count);
      const visitor = new Visitor(app.url);
      await visitor.get();
      recorder.answer('GetItem', failure('ProvisionedThroughputExceededException'), 2);
      recorder.answer('UpdateItem', failure('InternalServerError', 'try again', 500), 2);
      assert.deepEqual((await visitor.get()).body, { views: 2 });
      assert.deepEqual(app.errors, []);
      assert.equal(recorder.only('GetItem').length, 3);
      assert.equal(recorder.only('UpdateItem').length, 3);
    });

    it('throttled for good: 500 and the code', async (t) => {
      recorder.reset();
      const app = await serveFor(t, version, { store: newStore() }, count);
      recorder.answer('PutItem', failure('ProvisionedThroughputExceededException'));
      assert.equal((await new Visitor(app.url).get()).status, 500);
      assert.equal(app.errors[0].code, 'ProvisionedThroughputExceededException');
      assert.equal(app.errors[0].retryable, true);
      assert.equal(recorder.only('PutItem').length, 4);
    });

    it('the handler throws: its own error, and the session is saved all the same', async (t) => {
      recorder.reset();
      const app = await serveFor(t, version, { store: newStore() }, (ctx) => {
        count(ctx);
        if (ctx.path === '/throw') throw Object.assign(new Error('of the handler'), { status: 418, expose: true });
        return { views: ctx.session.views };
      });
      const visitor = new Visitor(app.url);
      await visitor.get();
      const { status, body } = await visitor.get('/throw');
      assert.equal(status, 418);
      assert.equal(body, 'of the handler');
      assert.deepEqual((await visitor.get()).body, { views: 3 });
    });

    it('no table: 500, and the error says what to do', async (t) => {
      recorder.reset();
      const store = new DynamoDBStore(local(recorder.endpoint, unique('missing')));
      const app = await serveFor(t, version, { store }, count);
      assert.equal((await new Visitor(app.url).get()).status, 500);
      assert.equal((await new Visitor(app.url, { 'koa.sess': 'x' }).get()).status, 500);
      const [write, read] = app.errors;
      assert.equal(write.code, 'ResourceNotFoundException');
      assert.match(`${write.hint}`, /autoCreate/);
      assert.equal(read.code, 'ResourceNotFoundException');
      assert.equal(read.message, 'Unable to get session.');
    });

    it('a row in a layout of the future: 500 that names the version, not a session that is lost', async (t) => {
      recorder.reset();
      const app = await serveFor(t, version, { store: newStore() }, count);
      const id = unique('future');
      await table.putSession(id, { B: Buffer.from([7, 1, 2, 3]).toString('base64') });
      const earlier = await table.get(id);
      const visitor = new Visitor(app.url, { 'koa.sess': id });
      assert.equal((await visitor.get()).status, 500);
      assert.match(inspect(app.errors[0], { depth: 9 }), /\b7\b/);
      assert.deepEqual(await table.get(id), earlier);
    });
  });
});
