'use strict';

// A request to the table can be done although its answer is lost, and it can arrive after later ones. The client sends
// it again, because it cannot tell. Nothing of this undoes what a visitor was shown as done.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const frameworks = require('../../support/frameworks');
const { HOUR, openWorld, useEngines } = require('./world');

const MINUTE = 60000;
const USUAL = ['usual', 'sealed sessions'];
const KINDS = [...USUAL, 'hashed ids', 'ids that are being hashed', 'UpdateItem is not allowed', 'sealed sessions, UpdateItem is not allowed', 'sessions in JSON text'];
const isKoa = (framework) => framework.isKoa;
const isOther = (framework) => !framework.isKoa;

const SCENES = {
  // An update that is repeated.
  'hits that were counted while the answer to the first was lost stay counted': async ({
    near, far, recorder, read,
  }) => {
    await near.signIn({ user: 'Ada' });
    recorder.loseAnswer('UpdateItem', {
      async meanwhile() { for (let hits = 2; hits <= 4; hits += 1) await near.visit('/hit'); },
    });
    await far.visit('/hit');
    assert.deepEqual(await read(), { user: 'Ada', hits: 4 });
  },
  'more hits while the answer is lost than can be told apart: who made the first one learns it, the others stay': {
    // @fastify/session then stores the session a second time, as a later change.
    where: (framework) => framework.name !== '@fastify/session',
    async play({
      near, far, recorder, read,
    }) {
      await near.signIn({ user: 'Ada' });
      recorder.loseAnswer('UpdateItem', {
        async meanwhile() { for (let hits = 2; hits <= 6; hits += 1) await near.visit('/hit'); },
      });
      await far.fail(far.visit('/hit'));
      assert.deepEqual(await read(), { user: 'Ada', hits: 6 });
    },
  },

  // An update that lands late.
  'a role that was taken away stays away when the request that gave it lands late': async ({
    near, far, recorder, read,
  }) => {
    await near.signIn({ user: 'Ada', role: 'none' });
    const late = recorder.delay('UpdateItem');
    await far.visit('/?role=admin');
    await near.visit('/?role=user');
    await late.land();
    assert.deepEqual(await read(), { user: 'Ada', role: 'user' });
  },
  'a role that somebody failed to give is not given later': {
    retries: 0,
    async play({
      near, far, recorder, read,
    }) {
      await near.signIn({ user: 'Ada', role: 'none' });
      const late = recorder.delay('UpdateItem', { times: Infinity });
      await far.fail(far.visit('/?role=admin'));
      await near.visit('/?role=user');
      await late.land();
      assert.deepEqual(await read(), { user: 'Ada', role: 'user' });
    },
  },

  // A first write that is repeated, or lands late.
  'who has signed out stays signed out when the sign-in lands late': async ({
    near, far, recorder, read,
  }) => {
    const late = recorder.delay('PutItem');
    await far.signIn({ user: 'Ada' });
    await near.visit('/sign-out');
    await late.land();
    assert.deepEqual(await read(), {});
  },
  'who has signed out stays signed out when the sign-in is repeated': async ({
    near, far, recorder, read,
  }) => {
    recorder.loseAnswer('PutItem', { meanwhile: () => near.visit('/sign-out') });
    await far.signIn({ user: 'Ada' });
    assert.deepEqual(await read(), {});
  },
  'a change stays when the sign-in before it lands late': async ({
    near, far, recorder, read,
  }) => {
    const late = recorder.delay('PutItem');
    await far.signIn({ user: 'Ada', cart: 'empty' });
    await near.visit('/?cart=full');
    await late.land();
    assert.deepEqual(await read(), { user: 'Ada', cart: 'full' });
  },
  'a change stays when the sign-in before it is repeated': async ({
    near, far, recorder, read,
  }) => {
    recorder.loseAnswer('PutItem', { meanwhile: () => near.visit('/?cart=full') });
    await far.signIn({ user: 'Ada', cart: 'empty' });
    assert.deepEqual(await read(), { user: 'Ada', cart: 'full' });
  },
  'who has signed out stays signed out when a session that the application made lands late': {
    where: isOther,
    async play({
      near, far, recorder, read,
    }) {
      const late = recorder.delay('PutItem');
      await far.visit('/put?user=Ada');
      await near.visit('/sign-out');
      await late.land();
      assert.deepEqual(await read(), {});
    },
  },
  'who has signed out stays signed out when a session that the application made is stored again': {
    where: isOther,
    async play({
      near, far, recorder, read,
    }) {
      recorder.loseAnswer('PutItem', { meanwhile: () => near.visit('/sign-out') });
      await far.visit('/put?user=Ada');
      assert.deepEqual(await read(), {});
    },
  },
  'a change stays when the session that the application made before it lands late': {
    where: isOther,
    async play({
      near, far, recorder, read,
    }) {
      const late = recorder.delay('PutItem');
      await far.visit('/put?user=Ada&cart=empty');
      await near.visit('/?cart=full');
      await late.land();
      assert.deepEqual(await read(), { user: 'Ada', cart: 'full' });
    },
  },

  // A first write that is repeated after its expiry was moved.
  ...Object.fromEntries([['shortened', 30 * MINUTE], ['extended', 2 * HOUR]].map(([word, ms]) => [
    `a change that ${word} the session stays, and so does the lifetime, when the sign-in before it is repeated`,
    async ({
      near, far, recorder, read, msLeft,
    }) => {
      recorder.loseAnswer('PutItem', { meanwhile: () => near.visit(`/?role=user&lifetime=${ms}`) });
      await far.signIn({ user: 'Ada', role: 'admin' });
      assert.ok(Math.abs(await msLeft() - ms) < MINUTE);
      assert.deepEqual(await read(), { user: 'Ada', role: 'user' });
      assert.deepEqual(await near.visit('/lifetime'), { ms });
    },
  ])),

  // A view with the lifetime that it has loaded.
  'a session that was shortened ends early although a slow request only looks at it': async ({
    near, far, msLeft,
  }) => {
    await near.signIn({ user: 'Ada' });
    const slow = far.visit('/?wait');
    await far.gate.arrived();
    await near.visit(`/?lifetime=${MINUTE}`);
    far.gate.open();
    await slow;
    assert.ok(await msLeft() < 2 * MINUTE);
    assert.deepEqual(await near.visit('/lifetime'), { ms: MINUTE });
  },
  'a session that was shortened ends early although a look at it lands late': async ({
    near, far, recorder, msLeft,
  }) => {
    await near.signIn({ user: 'Ada' });
    const late = recorder.delay('UpdateItem');
    await far.visit('/');
    await near.visit(`/?lifetime=${MINUTE}`);
    await late.land();
    assert.ok(await msLeft() < 2 * MINUTE);
    assert.deepEqual(await near.visit('/lifetime'), { ms: MINUTE });
  },

  // A sign-out, and the next session under the id.
  'the next visitor stays signed in when the sign-out before lands late': async ({
    near, far, recorder, read,
  }) => {
    await near.signIn({ user: 'Ada' });
    const late = recorder.delay('PutItem');
    await far.visit('/sign-out');
    await near.signIn({ user: 'Grace' });
    await late.land();
    assert.deepEqual(await read(), { user: 'Grace' });
  },
  'the next visitor stays signed in when the sign-out before is repeated': async ({
    near, far, recorder, read,
  }) => {
    await near.signIn({ user: 'Ada' });
    recorder.loseAnswer('PutItem', { meanwhile: () => near.signIn({ user: 'Grace' }) });
    await far.visit('/sign-out');
    assert.deepEqual(await read(), { user: 'Grace' });
  },
  'the next visitor stays signed in when a sign-out that failed lands late': {
    retries: 0,
    async play({
      near, far, recorder, read,
    }) {
      await near.signIn({ user: 'Ada' });
      const late = recorder.delay('PutItem', { times: Infinity });
      await far.fail(far.visit('/sign-out'));
      await near.visit('/sign-out');
      await near.signIn({ user: 'Grace' });
      await late.land();
      assert.deepEqual(await read(), { user: 'Grace' });
    },
  },
  // The others give a store the id alone.
  'the next visitor stays signed in when a slow request signs out whom it has loaded': {
    where: isKoa,
    async play({ near, far, read }) {
      await near.signIn({ user: 'Ada' });
      const slow = far.visit('/sign-out?wait');
      await far.gate.arrived();
      await near.visit('/sign-out');
      await near.signIn({ user: 'Grace' });
      far.gate.open();
      await slow;
      assert.deepEqual(await read(), { user: 'Grace' });
    },
  },

  // A change of many fields.
  'of 150 changed fields nobody ever sees a half': async ({
    near, far, recorder, read,
  }) => {
    await near.signIn({ user: 'Ada' });
    await near.visit('/fill?with=old');
    const seen = [];
    recorder.answer('UpdateItem', async (call, pass) => {
      seen.push(await read());
      const answer = await pass();
      seen.push(await read());
      return answer;
    });
    await far.visit('/fill?with=new');
    const words = seen.map(({ user, ...fields }) => {
      assert.equal(Object.keys(fields).length, 150);
      return [...new Set(Object.values(fields))].join();
    });
    // A reader who moves the expiry can have the change sent again.
    assert.deepEqual([...new Set(words)], ['old', 'new']);
    assert.equal(words.at(-1), 'new');
  },

  // Parallel changes, however a session is written.
  'what two requests change at once is all there': {
    kinds: KINDS,
    async play({ near, far, read }) {
      await near.signIn({ user: 'Ada', cart: 'empty' });
      const slow = [near.visit('/?wait&cart=full'), far.visit('/?wait&role=admin')];
      await Promise.all([near.gate.arrived(), far.gate.arrived()]);
      near.gate.open();
      await slow[0];
      far.gate.open();
      await slow[1];
      assert.deepEqual(await read(), { user: 'Ada', cart: 'full', role: 'admin' });
    },
  },
};

const engines = useEngines(KINDS);

engines.forEach((on) => {
  frameworks.forEach((framework) => {
    describe(`${framework.name} on ${on.name}`, () => {
      Object.entries(SCENES).forEach(([name, scene]) => {
        const {
          play = scene, where = () => true, kinds = USUAL, retries,
        } = scene;
        if (!where(framework)) return;
        // Koa has no package before this one that stored its sessions as text.
        kinds.filter((kind) => !(framework.isKoa && kind === 'sessions in JSON text')).forEach((kind) => {
          it(kind === 'usual' ? name : `${name}: ${kind}`, async (t) => {
            const world = await openWorld(t, {
              framework, on, kind, retries,
            });
            await play(world);
            world.check();
          });
        });
      });
    });
  });
});
