'use strict';

// Attributes beside the session, over HTTP in each framework: an index finds the sessions of a user.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { useDynalite } = require('../support/dynalite');
const { useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const { unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const {
  S, serve, useIndexedTable, withAttributes,
} = require('./app');

const local = useEngine();
const ENGINES = { 'the local engine': local, dynalite: useDynalite() };

Object.entries(ENGINES).forEach(([name, engine]) => {
  const table = useIndexedTable(engine);

  frameworks.forEach((framework) => {
    it(`${framework.name} on ${name}: an index finds a new, a changed and a touched session, and no other`, async (t) => {
      const [id, ada, bob] = ['id', 'ada', 'bob'].map(unique);
      const store = new framework.Store(withAttributes(engine.endpoint, table.name));
      const app = await serve(t, framework, id, store);
      await app.signIn(`/?user=${ada}&level=1`);
      assert.deepEqual(await table.found(ada), [id]);
      const created = await table.get(id);
      assert.deepEqual([created.user_id, created.level], [S(ada), { N: '1' }]);

      // A touch, and a change of something else.
      await app.visit();
      await app.visit('/?page=2');
      assert.deepEqual(await table.found(ada), [id]);

      await app.visit(`/?user=${bob}&level=2.5`);
      assert.deepEqual(await table.found(ada), []);
      assert.deepEqual(await table.found(bob), [id]);
      assert.deepEqual((await table.get(id)).level, { N: '2.5' });

      await app.visit('/?-user=&page=3');
      assert.deepEqual(await table.found(bob), []);
      const item = await table.get(id);
      assert.equal(item.user_id, undefined);
      assert.deepEqual(item.level, { N: '2.5' });

      await app.visit(`/?user=${ada}`);
      assert.deepEqual(await table.found(ada), [id]);
      await app.visit('/sign-out');
      assert.deepEqual(await table.found(ada), []);
      assert.equal((await table.get(id)).level, undefined);
      assert.deepEqual(app.errors, []);
    });
  });
});

describe('attributes', () => {
  const table = useIndexedTable(local);
  const recorder = useRecorder(local);

  frameworks.forEach((framework) => {
    const open = async (t, more = {}, id = unique('id')) => {
      const store = new framework.Store(withAttributes(recorder.endpoint, table.name, more));
      return { id, app: await serve(t, framework, id, store) };
    };

    it(`${framework.name}: a session from before gets them at its next save`, async (t) => {
      const { id, app } = await open(t, { attributes: undefined });
      await app.signIn();
      assert.equal((await table.get(id)).user_id, undefined);
      const { app: later } = await open(t, {}, id);
      await later.visit();
      await later.visit('/?page=2');
      assert.deepEqual((await table.get(id)).user_id, S('ada'));
    });

    it(`${framework.name}: a store without the option keeps them`, async (t) => {
      const { id, app } = await open(t);
      await app.signIn();
      const { app: other } = await open(t, { attributes: undefined }, id);
      await other.visit('/?page=2');
      assert.deepEqual((await table.get(id)).user_id, S('ada'));
    });

    it(`${framework.name}: what another program has changed stays where the session did not change`, async (t) => {
      const { id, app } = await open(t);
      await app.signIn();
      await table.put({ ...await table.get(id), user_id: S('theirs') });
      await app.visit('/?page=2');
      assert.deepEqual((await table.get(id)).user_id, S('theirs'));
      await app.visit('/?user=bob');
      assert.deepEqual((await table.get(id)).user_id, S('bob'));
    });

    it(`${framework.name}: a parallel request does not undo a change`, async (t) => {
      const { id, app } = await open(t);
      await app.signIn('/?user=ada&level=1');
      for (const [change, expected] of [['user=bob', S('bob')], ['-user=', undefined]]) {
        const finish = await app.begin(`/?page=${change.length}`);
        await app.visit(`/?${change}&level=2`);
        await finish();
        const item = await table.get(id);
        assert.deepEqual(item.user_id, expected, change);
        assert.deepEqual(item.level, { N: '2' });
        assert.deepEqual(item.session.M.page, S(String(change.length)));
      }
      assert.deepEqual(app.errors, []);
    });

    it(`${framework.name}: parallel changes of several attributes are all kept`, async (t) => {
      const { id, app } = await open(t);
      await app.signIn('/?user=ada&level=1');
      const finish = await app.begin('/?level=7');
      await app.visit('/?user=bob');
      await finish();
      const item = await table.get(id);
      assert.deepEqual([item.user_id, item.level], [S('bob'), { N: '7' }]);
    });

    it(`${framework.name}: with parallelChanges: 'overwrite' they are those of the session that stays`, async (t) => {
      const { id, app } = await open(t, { parallelChanges: 'overwrite' });
      await app.signIn('/?page=1');
      const finish = await app.begin('/?page=slow');
      await app.visit('/?user=ada&level=2');
      assert.deepEqual((await table.get(id)).user_id, S('ada'));
      assert.equal((await finish()).user, undefined);
      const item = await table.get(id);
      assert.deepEqual([item.user_id, item.level], [undefined, undefined]);
    });

    it(`${framework.name}: with touchAfter a view writes nothing, and a change is written`, async (t) => {
      const { id, app } = await open(t, { touchAfter: 600000 });
      await app.signIn();
      recorder.reset();
      await app.visit();
      assert.deepEqual(recorder.operations(), ['GetItem']);
      await app.visit('/?user=bob');
      assert.deepEqual((await table.get(id)).user_id, S('bob'));
    });
  });
});
