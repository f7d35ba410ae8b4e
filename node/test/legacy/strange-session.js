'use strict';

// A visitor whose session version 1 cannot read, on an app that still runs it.

const assert = require('node:assert/strict');
const { serveFor } = require('../support/koa');
const Visitor = require('../support/visitor');

// A view finds no session, a change draws a new id, and the item with this key stays.
module.exports = async (t, version, {
  legacy, table, id, key = id,
}) => {
  const item = await table.get(key);
  assert.ok(item);
  const app = await serveFor(t, version, { store: legacy }, (ctx) => {
    const seen = { isNew: ctx.session.isNew, user: ctx.session.user ?? null };
    if (ctx.path === '/change') ctx.session.views = 1;
    return seen;
  });
  const visitor = new Visitor(app.url, { 'koa.sess': id });
  assert.deepEqual((await visitor.get('/')).body, { isNew: true, user: null });
  assert.deepEqual(await table.get(key), item);
  visitor.cookies.set('koa.sess', id);
  assert.deepEqual((await visitor.get('/change')).body, { isNew: true, user: null });
  assert.notEqual(visitor.sessionId, id);
  assert.deepEqual((await table.get(visitor.sessionId)).session.M.views, { N: '1' });
  assert.deepEqual(await table.get(key), item);
  assert.deepEqual(app.errors, []);
};
