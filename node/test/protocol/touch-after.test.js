'use strict';

// touchAfter: page views that only move the expiry, and only by little, write nothing.

/* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */
/* eslint no-underscore-dangle: "off" -- koa-session's own fields */

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { serveFor, VERSIONS } = require('../support/koa');
const { localAlone, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const Visitor = require('../support/visitor');
const { age } = require('./scenes');

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'touch-after');

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));

// The requests of one page view of a session that was stored `secs` ago with `maxAge`.
const view = async (t, {
  version, store, secs = 0, maxAge = HOUR, options = { rolling: true }, change = () => {}, row,
}) => {
  const id = unique('id');
  if (row) {
    await table.put({ sessionId: { S: id }, ...row });
  } else {
    const first = await serveFor(t, version, { store, maxAge, genid: () => id }, (ctx) => { ctx.session.user = 'Ada'; });
    await new Visitor(first.url).get();
  }
  if (secs) await age(table, id, secs);
  const earlier = await table.get(id);
  const app = await serveFor(t, version, { store, maxAge, ...options }, (ctx) => change(ctx.session, ctx));
  recorder.reset();
  const { status, setCookies, body } = await new Visitor(app.url, { 'koa.sess': id }).get();
  assert.deepEqual(app.errors, []);
  assert.equal(status, 200);
  return {
    operations: recorder.operations(), setCookies, body, earlier, item: await table.get(id),
  };
};

const assertSkipped = ({ operations, earlier, item }) => {
  assert.deepEqual(operations, ['GetItem']);
  assert.deepEqual(item, earlier);
};
const assertMoved = ({ operations, earlier, item }) => {
  assert.deepEqual(operations, ['GetItem', 'UpdateItem']);
  assert.ok(Number(item.expires.N) > Number(earlier.expires.N));
  assert.ok(Number(item.session.M._expire.N) > Number(earlier.session.M._expire.N));
};
const assertWritten = ({ operations }) => assert.deepEqual(operations, ['GetItem', 'UpdateItem']);

VERSIONS.forEach((version) => {
  ['merge', 'overwrite'].forEach((conflict) => {
    describe(`${version.name}, conflict: '${conflict}'`, () => {
      const touchAfter = 10 * MINUTE;

      it('off by default: every rolling view writes', async (t) => {
        const store = newStore({ conflict });
        const { operations } = await view(t, { version, store, secs: 5 });
        assert.deepEqual(operations, ['GetItem', 'UpdateItem']);
        assert.equal(store.stats().skippedTouches, 0);
      });

      it('0 is off', async (t) => {
        const { operations } = await view(t, { version, store: newStore({ conflict, touchAfter: 0 }), secs: 5 });
        assert.deepEqual(operations, ['GetItem', 'UpdateItem']);
      });

      it('rolling, soon after the last write: nothing is written; the cookie rolls', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const skipped = await view(t, { version, store, secs: 9 * 60 });
        assertSkipped(skipped);
        assert.match(skipped.setCookies[0], /expires=/);
        assert.equal(store.stats().skippedTouches, 1);
        assert.equal(store.stats().conflicts, 0);
      });

      it('rolling, touchAfter after the last write: the expiry is moved', async (t) => {
        const store = newStore({ conflict, touchAfter });
        assertMoved(await view(t, { version, store, secs: 10 * 60 + 1 }));
        assert.equal(store.stats().skippedTouches, 0);
      });

      it('half of maxAge is the limit if it is less', async (t) => {
        const store = newStore({ conflict, touchAfter });
        // koa-session adds ten seconds to what the store gets.
        assertSkipped(await view(t, {
          version, store, maxAge: 2 * MINUTE, secs: 60,
        }));
        assertMoved(await view(t, {
          version, store, maxAge: 2 * MINUTE, secs: 70,
        }));
      });

      it('renew: due at half of maxAge, which is written', async (t) => {
        const store = newStore({ conflict, touchAfter: 10 * HOUR });
        assertMoved(await view(t, {
          version, store, maxAge: 2 * MINUTE, secs: 70, options: { renew: true },
        }));
      });

      it('a change is written at once, with the expiry', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const changed = await view(t, {
          version, store, secs: 5, change: (session) => { session.views = 1; },
        });
        assertMoved(changed);
        assert.deepEqual(changed.item.session.M.views, { N: '1' });
        assert.equal(store.stats().skippedTouches, 0);
      });

      it('a field removed is a change', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const changed = await view(t, {
          version, store, secs: 5, change: (session) => { delete session.user; },
        });
        assertMoved(changed);
        assert.equal(changed.item.session.M.user, undefined);
      });

      it('saved without a change, by save(): as a rolling view', async (t) => {
        const store = newStore({ conflict, touchAfter });
        assertSkipped(await view(t, {
          version, store, secs: 5, options: { autoCommit: false }, change: async (session) => { await session.save(); },
        }));
      });

      it('a shorter expiry is written', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const shorter = await view(t, {
          version, store, change: (session) => { session.maxAge = HOUR - MINUTE; },
        });
        assertWritten(shorter);
        assert.ok(Number(shorter.item.expires.N) < Number(shorter.earlier.expires.N));
      });

      it('another maxAge is always written, even if the expiry hardly moves', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const longer = await view(t, {
          version, store, change: (session) => { session.maxAge = HOUR + MINUTE; },
        });
        assertWritten(longer);
        assert.deepEqual(longer.item.session.M._maxAge, { N: String(HOUR + MINUTE) });
      });

      it("from a number to 'session' is written", async (t) => {
        const store = newStore({ conflict, touchAfter, sessionTtl: HOUR + 10000 });
        const session = await view(t, {
          version, store, secs: 5, change: (given) => { given.maxAge = 'session'; },
        });
        assertWritten(session);
        const { _expire: expire, _session: isSession } = session.item.session.M;
        assert.equal(expire, undefined);
        assert.deepEqual(isSession, { BOOL: true });
      });

      it("'session', unchanged: nothing is written", async (t) => {
        const store = newStore({ conflict, touchAfter });
        assertSkipped(await view(t, {
          version, store, secs: 5, maxAge: 'session', options: { rolling: true },
        }));
      });

      it('an item without an expiry gets one', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const { operations, item } = await view(t, {
          version, store, row: { session: { M: { user: { S: 'Ada' } } } },
        });
        assert.deepEqual(operations, ['GetItem', 'UpdateItem']);
        assert.match(item.expires.N, /^\d+$/);
      });

      it('after a view that wrote nothing a change in the same request is written', async (t) => {
        const store = newStore({ conflict, touchAfter });
        const { operations, item } = await view(t, {
          version,
          store,
          secs: 5,
          options: { autoCommit: false },
          change: async (session) => {
            await session.save();
            session.views = 1;
            await session.manuallyCommit();
          },
        });
        assert.deepEqual(operations, ['GetItem', 'UpdateItem']);
        assert.deepEqual(item.session.M.views, { N: '1' });
        assert.deepEqual(item.session.M.user, { S: 'Ada' });
        assert.equal(store.stats().skippedTouches, 1);
      });
    });
  });

  it(`${version.name}: many views in a row write once in touchAfter`, async (t) => {
    const store = newStore({ touchAfter: 10 * MINUTE });
    const id = unique('id');
    const app = await serveFor(t, version, {
      store, maxAge: HOUR, rolling: true, genid: () => id,
    }, (ctx) => { ctx.session.user = 'Ada'; });
    const visitor = new Visitor(app.url);
    await visitor.get();
    recorder.reset();
    // A view every minute of an hour.
    for (let minute = 1; minute <= 60; minute += 1) {
      await age(table, id, 60);
      await visitor.get();
    }
    assert.equal(recorder.only('GetItem').length, 60);
    assert.equal(recorder.only('UpdateItem').length, 6);
    assert.equal(store.stats().skippedTouches, 54);
  });
});
