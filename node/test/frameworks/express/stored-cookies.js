'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- handlers change their session */

// Which cookies are read as they were stored, and which items are no sessions, in both frameworks.

const assert = require('node:assert/strict');
const v8 = require('node:v8');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { local, unique } = require('../../support/options');
const { attribute } = require('../../support/trace');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');
const { createTable, NAME, recorder } = require('./table');

const HOUR = 3600e3;
const inAnHour = () => Date.now() + HOUR;

// Cookies as applications and other packages give them to `set`.
const COOKIES = {
  'a number, as express-openid-connect stores it': () => ({ expires: inAnHour(), maxAge: HOUR }),
  'a number alone': () => ({ expires: inAnHour() }),
  'a number with a fraction': () => ({ expires: inAnHour() + 0.5 }),
  'a Date': () => ({ expires: new Date(inAnHour()), path: '/' }),
  'a date in ISO form': () => ({ expires: new Date(inAnHour()).toISOString() }),
  'a date as in Set-Cookie': () => ({ expires: new Date(inAnHour()).toUTCString() }),
  'the last date of a cookie': () => ({ expires: new Date('9999-12-31T23:59:59Z') }),
  'the same as a number': () => ({ expires: Date.parse('9999-12-31T23:59:59Z') }),
  'the last date of JavaScript': () => ({ expires: new Date(8.64e15) }),
  'an age that ends with the year 9999': () => ({ originalMaxAge: Date.parse('9999-12-31T23:59:59Z') - Date.now() }),
  'the last age of JavaScript': () => ({ originalMaxAge: 8.64e15, maxAge: 8.64e15 }),
  null: () => ({ expires: null, originalMaxAge: null }),
  'no field': () => ({}),
};

// Sessions as somebody may have crafted them.
const good = { path: '/', originalMaxAge: HOUR };
const CRAFTED = {
  'no cookie': {},
  'a cookie that is text': { cookie: 'x' },
  'a cookie that is null': { cookie: null },
  'a cookie that is a list': { $raw: { cookie: { L: [] } } },
  'a cookie of bytes': { $raw: { cookie: { B: 'AQ==' } } },
  'a cookie that is a set': { $raw: { cookie: { SS: ['a'] } } },
  toJSON: { cookie: { ...good, toJSON: 'x' } },
  serialize: { cookie: { ...good, serialize: 'x' } },
  _expires: { cookie: { ...good, _expires: 'x' } },
  'another prototype': { cookie: JSON.parse('{"path":"/","__proto__":{"a":1}}') },
  'maxAge: text': { cookie: { ...good, maxAge: 'x' } },
  'maxAge: a map': { cookie: { ...good, maxAge: { a: 1 } } },
  'maxAge: beyond all time': { cookie: { ...good, maxAge: 1e60 } },
  'expires: text': { cookie: { ...good, expires: 'never' } },
  'expires: beyond all time': { cookie: { ...good, expires: 1e60 } },
  'a path on two lines': { cookie: { ...good, path: '/\r\na: b' } },
};

// Fields that are harmless in a cookie.
const HARMLESS = {
  save: 'x', length: 5, data: 'x', constructor: 'x', touch: 'x',
};

/** @param framework as in ../../support/express.js */
function testStoredCookies(framework) {
  let table;
  const open = (more) => new DynamoDBStore(local(recorder.endpoint, NAME, more));
  const view = async (app, id) => {
    const visitor = new Visitor(app.url, framework.cookies(id));
    const answers = [];
    for (let count = 0; count < 3; count += 1) answers.push(await visitor.get('/'));
    return answers;
  };
  const serve = (t, store) => framework.serveFor(t, store, {}, ({ session }) => {
    session.views = (session.views || 0) + 1;
    return { user: session.user ?? null, views: session.views };
  });

  before(async () => { ({ table } = await createTable()); });

  describe(`${framework.name}: what is stored is read`, () => {
    Object.entries(COOKIES).forEach(([name, cookie]) => {
      it(`a cookie with ${name}`, async (t) => {
        const store = open({ prefix: unique('read:') });
        await store.set('a', { user: 'Ada', cookie: cookie() });
        assert.equal((await store.get('a')).user, 'Ada');
        assert.equal((await store.all()).length, 1);
        assert.equal(await store.length(), 1);
        const app = await serve(t, store);
        const answers = await view(app, 'a');
        assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
        assert.deepEqual(answers.map(({ body }) => body), [1, 2, 3].map((views) => ({ user: 'Ada', views })));
        assert.deepEqual(app.errors, []);
      });
    });

    it('a cookie with fields that frameworks do not look at', async (t) => {
      const prefix = unique('harmless:');
      const store = open({ prefix });
      await table.putSession(`${prefix}a`, attribute({ user: 'Ada', cookie: { ...good, ...HARMLESS } }));
      assert.deepEqual((await view(await serve(t, store), 'a')).map(({ status }) => status), [200, 200, 200]);
    });
  });

  describe(`${framework.name}: what is no session`, () => {
    Object.entries(CRAFTED).forEach(([name, { $raw: raw, ...session }]) => {
      it(`${name}: no session for get, all and length, with one event each, and an answer`, async (t) => {
        const prefix = unique('crafted:');
        const store = open({ prefix });
        const heard = [];
        store.on('unreadable', (event) => heard.push(event));
        const { M } = attribute({ user: 'Ada', ...session });
        await table.putSession(`${prefix}a`, { M: { ...M, ...raw } });
        assert.equal(await store.get('a'), undefined);
        await until('an event', () => heard.length >= 1);
        assert.deepEqual(await store.all(), []);
        await until('two events', () => heard.length >= 2);
        assert.equal(await store.length(), 0);
        await until('three events', () => heard.length >= 3);
        await store.close();
        assert.equal(heard.length, 3);
        assert.equal(new Set(heard.map(({ ref }) => ref)).size, 1);
        const answers = await view(await serve(t, store), 'a');
        assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
        assert.equal(answers[0].body.user, null);
      });
    });
  });

  describe(`${framework.name}: fields with the names of a session's own methods`, () => {
    ['touch', 'save', 'isModified', 'isSaved', 'destroy', 'regenerate', 'reload', 'length', 'toJSON'].forEach((name) => {
      it(`${name}: an answer each time`, async (t) => {
        const prefix = unique('own:');
        const store = open({ prefix });
        await table.putSession(`${prefix}a`, attribute({ user: 'Ada', [name]: 'x', cookie: good }));
        const app = await serve(t, store);
        assert.deepEqual((await view(app, 'a')).map(({ status }) => status), [200, 200, 200]);
        assert.deepEqual(app.errors, []);
      });
    });
  });

  describe(`${framework.name}: a loaded session holds nothing of ours`, () => {
    it('its copies can be cloned and serialised, and a page gets only its fields', async (t) => {
      const store = open({ prefix: unique('clone:') });
      await store.set('a', { user: 'Ada', cookie: { ...good } });
      const app = await framework.serveFor(t, store, {}, ({ session }) => {
        const { cookie, req, ...fields } = session; // eslint-disable-line no-unused-vars -- express-session has `req`
        v8.serialize({ ...fields });
        return { ...structuredClone({ ...fields }), keys: Object.keys(fields) };
      });
      (await view(app, 'a')).forEach(({ status, body }) => {
        assert.equal(status, 200);
        assert.deepEqual(body, { user: 'Ada', keys: ['user'] });
      });
    });

    const EMPTIED = {
      'deletes all fields': (session) => {
        Object.keys(session).filter((key) => key !== 'cookie').forEach((key) => { delete session[key]; });
      },
      'replaces its cookie by a copy': (session) => {
        if (framework.name === '@fastify/session') session.options({ path: '/' });
      },
    };
    Object.entries(EMPTIED).forEach(([name, change]) => {
      it(`a handler that ${name} does not bring back a session that was signed out`, async (t) => {
        const store = open({ prefix: unique('emptied:') });
        await store.set('a', { user: 'Ada', cookie: { ...good } });
        const app = await framework.serveFor(t, store, {}, async ({ session }) => {
          change(session);
          session.late = true;
          await store.destroy('a');
        });
        await new Visitor(app.url, framework.cookies('a')).get('/');
        assert.equal(await store.get('a'), undefined);
      });
    });
  });
}

module.exports = testStoredCookies;
