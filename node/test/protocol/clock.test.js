'use strict';

// A host whose clock is wrong by hours, and a service that refuses requests signed at a wrong time. In this test the
// host's clock is right, and an option shifts the clock of the store.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { localAlone, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const MINUTE = 60000;
const NAME = unique('clock');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = () => rawTable(engine.endpoint, NAME);

// The time of a request's signature.
const signedAt = ({ headers }) => {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-amz-date']);
  const [year, month, ...rest] = parts.map(Number);
  return Date.UTC(year, month - 1, ...rest);
};

const isRefused = (call) => Math.abs(signedAt(call) - Date.now()) > 5 * MINUTE;

const refusal = {
  ...failure('InvalidSignatureException', 'Signature expired'),
  headers: { 'x-amzn-requestid': 'R' },
};

before(async () => {
  await recorder.started;
  await table().create();
  ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'].forEach((operation) => {
    recorder.answer(operation, (call) => (isRefused(call) ? refusal : undefined));
  });
});

VERSIONS.forEach((version) => {
  [['ahead', 7 * HOUR], ['behind', -7 * HOUR]].forEach(([name, systemClockOffset]) => {
    describe(`${version.name} on a host that is seven hours ${name}`, () => {
      it('requests are accepted and sessions end in time, after one correction', async (t) => {
        recorder.calls.length = 0;
        const store = new DynamoDBStore(localAlone(recorder.endpoint, NAME, { dynamoConfig: { systemClockOffset } }));
        const app = await serveFor(t, version, { store, maxAge: HOUR }, (ctx) => {
          ctx.session.views = (ctx.session.views || 0) + 1;
          return { views: ctx.session.views };
        });
        // An id without a session, so that a GetItem is sent.
        const visitor = new Visitor(app.url, { 'koa.sess': unique('id') });
        for (const views of [1, 2, 3]) {
          const from = Date.now();
          const { status, body } = await visitor.get();
          assert.deepEqual([status, body], [200, { views }]);
          const item = await table().get(visitor.sessionId);
          const expires = Number(item.expires.N) * 1000;
          // koa-session adds ten seconds to the TTL of the store. The service's time has whole seconds.
          const life = HOUR + 10000;
          assert.ok(expires >= from + life - 1000 && expires <= Date.now() + life + 1000, `${expires - from} ms from now`);
        }
        assert.deepEqual(app.errors, []);
        assert.equal(recorder.calls.filter(isRefused).length, 1);
        assert.equal(store.stats().retries, 1);
      });

      it('without correction of the clock, the error says what to do', async () => {
        const dynamoConfig = { systemClockOffset, correctClockSkew: false };
        const store = new DynamoDBStore(localAlone(recorder.endpoint, NAME, { dynamoConfig }));
        await assert.rejects(store.set(unique('id'), {}, HOUR, { ctx: {} }), (err) => {
          assert.equal(err.code, 'InvalidSignatureException');
          assert.match(err.hint, /host's clock/);
          return true;
        });
      });
    });
  });
});
