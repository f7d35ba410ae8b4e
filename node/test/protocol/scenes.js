'use strict';

// One session, two requests: the slow one has loaded the session when the other signs out. `leave(ctx)` is the change
// that the slow one makes afterwards. Each scene writes the session. With a store that writes without a condition the
// session is back, and everyone with the cookie is signed in again.

const assert = require('node:assert/strict');
const Gate = require('../support/gate');
const { serveFor } = require('../support/koa');
const { unique } = require('../support/options');
const { assertNoSession } = require('../support/tombstone');
const Visitor = require('../support/visitor');

const MINUTE = 60000;

const SCENES = {
  'a change': { leave: (ctx) => { ctx.session.views = 2; } },
  'a field removed': { leave: (ctx) => { delete ctx.session.user; } },
  'another session in its place': { leave: (ctx) => { ctx.session = { views: 2 }; } },
  'null, then another session in its place': {
    leave: (ctx) => {
      ctx.session = null;
      ctx.session = { views: 2 };
    },
  },
  'nothing changed, rolling': { options: { rolling: true }, leave: () => {} },
  'nothing changed, renew due': { options: { renew: true }, age: 40, leave: () => {} },
  'ctx.session.save()': { leave: (ctx) => ctx.session.save() },
  'ctx.session.save(), a change after it': {
    async leave(ctx) {
      ctx.session.views = 2;
      await ctx.session.save();
      ctx.session.views = 3;
    },
  },
  'ctx.session.save(), three at once': {
    leave: (ctx) => Promise.all([2, 3, 4].map((views) => {
      ctx.session.views = views;
      return ctx.session.save();
    })),
  },
  'ctx.session.maxAge = …': { leave: (ctx) => { ctx.session.maxAge = 2 * MINUTE; } },
  "ctx.session.maxAge = 'session'": {
    legacyCannot: true, // the expiry is then NaN, which DynamoDB refuses
    leave: (ctx) => { ctx.session.maxAge = 'session'; },
  },
  'a change by beforeSave': {
    options: { rolling: true, beforeSave: (ctx) => { ctx.session.savedBy = 'the hook'; } },
    leave: () => {},
  },
  'autoCommit: false, committed twice': {
    options: { autoCommit: false },
    async leave(ctx) {
      ctx.session.views = 2;
      await ctx.session.manuallyCommit();
      ctx.session.views = 3;
      await ctx.session.manuallyCommit();
    },
  },
  'a change, and a handler that throws': {
    status: 418,
    leave(ctx) {
      ctx.session.views = 2;
      throw Object.assign(new Error('of the handler'), { status: 418, expose: true });
    },
  },
  'nothing changed, rolling, and a handler that throws': {
    options: { rolling: true },
    status: 418,
    leave() {
      throw Object.assign(new Error('of the handler'), { status: 418, expose: true });
    },
  },
};

// Makes the expiry of a stored session earlier, as if it had been written this many seconds ago.
const age = async (table, id, secs) => {
  const item = await table.get(id);
  const { _expire: expire } = item.session.M;
  if (expire) expire.N = String(Number(expire.N) - secs * 1000);
  await table.put({ ...item, expires: { N: String(Number(item.expires.N) - secs) } });
};

// Plays a scene on a store. With `again`, another visitor signs in under the same id before the slow request goes on.
// `left` is the item at that moment, `item` the one at the end.
const play = async (t, {
  version, store, table, scene, again = false,
}) => {
  const gate = new Gate();
  const id = unique('id');
  // The slow request cannot see what happens in this app, as if it ran in another process.
  const door = await serveFor(t, version, { store, maxAge: MINUTE, genid: () => id }, (ctx) => {
    if (ctx.path === '/sign-out') ctx.session = null;
    else ctx.session.user = ctx.query.name;
  });
  const app = await serveFor(t, version, { store, maxAge: MINUTE, ...scene.options }, async (ctx) => {
    await gate.pass();
    await scene.leave(ctx);
  });

  const visitor = new Visitor(door.url);
  await visitor.get('/sign-in?name=Ada');
  assert.equal(visitor.sessionId, id);
  if (scene.age) await age(table, id, scene.age);
  const slow = new Visitor(app.url, { 'koa.sess': id }).get();
  await gate.arrived();
  await visitor.get('/sign-out');
  assertNoSession(await table.get(id));
  if (again) await new Visitor(door.url).get('/sign-in?name=Grace');
  const left = await table.get(id);
  gate.open();
  const answer = await slow;

  assert.equal(answer.status, scene.status ?? 200);
  const errors = app.errors.filter((err) => err.message !== 'of the handler');
  assert.deepEqual([...door.errors, ...errors], []);
  return {
    id, answer, left, item: await table.get(id),
  };
};

module.exports = { SCENES, age, play };
