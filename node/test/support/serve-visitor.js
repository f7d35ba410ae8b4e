'use strict';

// An app in any framework, for a visitor whose id is known: what is in the table can be looked at.

const assert = require('node:assert/strict');
const { unique } = require('./options');
const Visitor = require('./visitor');

const HOUR = 3600000;

// `/sign-out` destroys the session. Any other page sets the fields of its query, and answers with all of them.
const handle = async (request) => {
  if (request.path === '/sign-out') await request.signOut();
  else Object.assign(request.session, request.query);
  return request.fields();
};

// The app with this store. Who signs in gets this id, and visits with its cookie or with that of another id.
module.exports = async (t, framework, id, store) => {
  const ids = [id];
  const genid = () => ids.shift() ?? unique('other');
  const app = await framework.open(t, store, { genid, maxAge: HOUR }, handle);
  const withCookie = (as) => new Visitor(app.url, framework.cookies(as));
  const page = (fields) => `/?${new URLSearchParams(fields)}`;
  const answered = async (visit) => {
    const { status, body } = await visit;
    assert.equal(status, 200);
    return body;
  };
  return {
    store,
    errors: app.errors,
    signIn: (fields) => answered(new Visitor(app.url).get(page(fields))),
    visit: (fields = {}, as = id) => answered(withCookie(as).get(page(fields))),
    signOut: (as = id) => answered(withCookie(as).get('/sign-out')),
    async fail() {
      const { status, body } = await withCookie(id).get('/');
      assert.equal(status, 500);
      return { error: app.errors.pop(), body };
    },
  };
};
