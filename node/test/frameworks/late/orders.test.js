'use strict';

// Whatever becomes of the first request that a visit sends to the table, and whatever another visit does meanwhile: the
// session is as if both had come one after the other.

const assert = require('node:assert/strict');
const { isDeepStrictEqual } = require('node:util');
const { describe, it } = require('node:test');
const frameworks = require('../../support/frameworks');
const { isTombstone } = require('../../support/tombstone');
const { openWorld, useEngines } = require('./world');

const AGE = 600000; // milliseconds

const engines = useEngines(['usual', 'UpdateItem is not allowed', 'sealed sessions', 'sessions in JSON text']);

// What a visit does, the request that it sends first, and the session after it; that is undefined where nobody is
// signed in. Of the expiry it says whether it was moved.
const VISITS = {
  change: {
    operation: 'UpdateItem',
    go: (process, who) => process.visit(`/?${who}=changed&last=${who}`),
    after: (session, who) => session && {
      ...session, [who]: 'changed', last: who, isExtended: true,
    },
  },
  'sign-in': {
    operation: 'PutItem',
    go: (process, who) => process.signIn({ [who]: 'new', last: who }),
    // Where a session is under that id, a store that knows of a new one adds to it. Fastify's replaces what is there.
    after: (session, who, { isNewKnown }) => ({
      ...(isNewKnown && session), [who]: 'new', last: who, isExtended: true,
    }),
  },
  view: {
    operation: 'UpdateItem',
    go: (process) => process.visit('/'),
    after: (session) => session && { ...session, isExtended: true },
  },
  'sign-out': {
    operation: 'PutItem',
    go: (process) => process.visit('/sign-out'),
    after: () => undefined,
  },
};

// What becomes of the first request of a visit, and when the other visit comes.
const FATES = {
  'is done and its answer lost, then comes': {
    areParallel: true,
    async play({
      recorder, operation, sends, other,
    }) {
      recorder.loseAnswer(operation, { meanwhile: other });
      await sends();
    },
  },
  'is done and its answer lost, after': {
    areParallel: true,
    async play({
      recorder, operation, sends, other,
    }) {
      recorder.answer(operation, async (call, pass) => {
        await other();
        await pass();
        throw new Error('the answer is lost');
      }, 1);
      await sends();
    },
  },
  'lands late, after the visit and': {
    async play({
      recorder, operation, sends, other,
    }) {
      const late = recorder.delay(operation);
      await sends();
      await other();
      await late.land();
    },
  },
  'lands late, and before it is sent again comes': {
    areParallel: true,
    async play({
      recorder, operation, sends, other,
    }) {
      const late = recorder.delay(operation, { meanwhile: other });
      await sends();
      await late.land();
    },
  },
  'lands late, after the visit has failed and': {
    hasFailed: true,
    retries: 0,
    async play({
      recorder, operation, sends, other, far,
    }) {
      const late = recorder.delay(operation, { times: Infinity });
      await far.fail(sends());
      await other();
      await late.land();
    },
  },
};

// The sessions that an order of the two explains. A visit that has failed may have happened or not, and may still
// happen as long as nothing was written since.
const explained = (framework, start, first, other, { areParallel, hasFailed }) => {
  const one = (session) => first.after(session, 'one', framework);
  const two = (session) => other.after(session, 'two', framework);
  const orders = [two(one(start))];
  if (hasFailed) orders.push(two(start));
  const isUnwritten = isDeepStrictEqual(two(start), start) || other === VISITS.view;
  if (areParallel || (hasFailed && isUnwritten)) orders.push(one(two(start)));
  return orders;
};

// The other ways to write a session, where they are most used.
const KINDS = {
  'koa-session 7': ['usual', 'UpdateItem is not allowed', 'sealed sessions'],
  'express-session': ['usual', 'UpdateItem is not allowed', 'sealed sessions', 'sessions in JSON text'],
};
const stores = frameworks.flatMap((framework) => (
  (KINDS[framework.name] ?? ['usual']).map((kind) => ({ framework, kind }))));

engines.forEach((on) => {
  stores.forEach(({ framework, kind }) => {
    Object.entries(VISITS).forEach(([firstName, first]) => {
      describe(`${framework.name} on ${on.name}${kind === 'usual' ? '' : `, ${kind}`}: the first request of a ${firstName}`, () => {
        Object.entries(FATES).forEach(([fateName, fate]) => {
          Object.entries(VISITS).forEach(([otherName, other]) => {
            it(`${fateName} a ${otherName}: the visitor sees one after the other`, async (t) => {
              const world = await openWorld(t, {
                framework, on, kind, retries: fate.retries,
              });
              const {
                near, far, recorder, item, read,
              } = world;
              let start;
              if (firstName !== 'sign-in') {
                await world.signInBefore(AGE, { user: 'Ada' });
                start = { user: 'Ada', isExtended: false };
              }
              const before = Date.now();
              let others = 0;
              await fate.play({
                recorder,
                far,
                operation: world.isDenied ? 'PutItem' : first.operation,
                sends: () => first.go(far, 'one'),
                other() {
                  others += 1;
                  return other.go(near, 'two');
                },
              });
              assert.equal(others, 1);
              const stored = await item();
              const hasSession = stored !== undefined && !isTombstone(stored);
              const fields = await read();
              const seen = hasSession
                ? { ...fields, isExtended: stored.expires.N * 1000 > before + 3600000 - AGE / 2 } : undefined;
              if (!hasSession) assert.deepEqual(fields, {});
              const orders = explained(framework, start, first, other, fate);
              assert.ok(orders.some((order) => isDeepStrictEqual(order, seen)), JSON.stringify({ seen, orders }));
              world.check();
            });
          });
        });
      });
    });
  });
});
