'use strict';

// Hashed ids over HTTP: what the table holds, who can use it, and how an application changes from one setting to the
// next while it serves requests.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const hashedKey = require('../support/hashed-key');
const { localAlone, unique } = require('../support/options');
const serveVisitor = require('../support/serve-visitor');
const useTable = require('../support/table');
const { assertNoSession } = require('../support/tombstone');

const engine = useEngine();
const table = useTable(engine, 'hashed');

// The app whose store has these options.
const open = (t, framework, id, more) => {
  const options = localAlone(engine.endpoint, table.name, { touchAfter: 0, ...more });
  return serveVisitor(t, framework, id, new framework.Store(options));
};

// What each instance of a roll-out has. The first visitor signs in before it, the second one in its middle.
const FORTH = [undefined, 'read', 'on'];
const BACK = ['on', 'read', undefined];

frameworks.forEach((framework) => {
  describe(`hashed ids of ${framework.name}`, () => {
    it('are in the table in place of ids, and are no ids themselves', async (t) => {
      const id = unique('id');
      const app = await open(t, framework, id, { hashIds: 'only' });
      await app.signIn({ user: 'Ada' });
      assert.deepEqual(await app.visit(), { user: 'Ada' });
      assert.equal(await table.get(id), undefined);
      const item = await table.get(hashedKey(id));
      assert.doesNotMatch(JSON.stringify(item), new RegExp(id));
      // Whoever has read the table is a stranger.
      assert.deepEqual(await app.visit({}, hashedKey(id)), {});
      await app.signOut(hashedKey(id));
      assert.deepEqual(await app.visit(), { user: 'Ada' });
      await app.signOut();
      assert.deepEqual(await app.visit(), {});
      assertNoSession(await table.get(hashedKey(id)));
    });

    it('come step by step, and go again, under parallel requests, and nobody is signed out', async (t) => {
      const early = unique('early');
      const late = unique('late');
      const opened = (steps, id) => Promise.all(steps.map((hashIds) => open(t, framework, id, { hashIds })));
      const steps = [...FORTH, ...BACK];
      const apps = { early: await opened(steps, early), late: await opened(steps, late) };
      const expected = { early: { user: 'Ada' }, late: { user: 'Grace' } };
      await apps.early[0].signIn(expected.early);
      const begins = FORTH.length - 1;
      await apps.late[begins].signIn(expected.late);
      const ends = steps.lastIndexOf('read');
      for (const who of ['early', 'late']) {
        const [from, to] = who === 'early' ? [0, steps.length - 1] : [begins, ends];
        // Each step begins while instances of the one before it still serve.
        for (let step = from; step <= to; step += 1) {
          const [before, after] = [apps[who][Math.max(from, step - 1)], apps[who][step]];
          await Promise.all([before.visit({ [`old${step}`]: 'x' }), after.visit({ [`new${step}`]: 'y' })]);
          Object.assign(expected[who], { [`old${step}`]: 'x', [`new${step}`]: 'y', last: String(step) });
          await after.visit({ last: String(step) });
          for (const app of [before, after]) assert.deepEqual(await app.visit(), expected[who]);
        }
      }
      assert.ok(await table.get(early));
      assert.ok(await table.get(hashedKey(late)));
      const last = apps.early.at(-1);
      await last.signOut();
      await apps.late[ends].signOut(late);
      for (const app of apps.early) assert.deepEqual(await app.visit(), {});
      for (const app of apps.late.slice(begins, ends + 1)) assert.deepEqual(await app.visit(), {});
      [...apps.early, ...apps.late].forEach(({ errors }) => assert.deepEqual(errors, []));
    });

    if (!framework.isKoa) {
      it('a visitor is signed out by the session that all() has found, while a request of theirs is under way', async (t) => {
        const id = unique('id');
        const prefix = unique('listed');
        const apps = await Promise.all(['on', 'only'].map((hashIds) => open(t, framework, id, { hashIds, prefix })));
        const [app, { store }] = apps;
        await app.signIn({ user: 'Ada' });
        const [listed, ...others] = await store.all();
        assert.deepEqual([listed.user, listed.id, others], ['Ada', undefined, []]);
        assert.match(store.refOf(listed), /^[0-9a-f]{24}$/);
        await app.visit({ before: 'x' });
        // What was listed is older than the session by now. It is the same session.
        const late = app.visit({ late: 'x' });
        await store.destroy(listed);
        await late;
        for (const one of apps) assert.deepEqual(await one.visit(), {});
        assert.deepEqual(apps.flatMap(({ errors }) => errors), []);
      });
    }

    it('stay signed out under both keys', async (t) => {
      for (const modes of [['read', 'on'], ['on', 'read']]) {
        const id = unique('id');
        const [first, second] = await Promise.all(modes.map((hashIds) => open(t, framework, id, { hashIds })));
        await first.signIn({ user: 'Ada' });
        assert.deepEqual(await second.visit(), { user: 'Ada' });
        await second.signOut();
        assertNoSession(await table.get(id));
        assertNoSession(await table.get(hashedKey(id)));
        for (const app of [first, second]) assert.deepEqual(await app.visit(), {});
      }
    });
  });
});
