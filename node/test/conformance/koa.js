'use strict';

// What the suite is run on: the koa class, and koa-session with it. See ./run.js.

const DynamoDBStore = require('koa-session-dynamodb-store');
const { serve, VERSIONS } = require('../support/koa');
const hashed = require('./hashed');
const outcomeOf = require('./outcome');
const sealed = require('./sealed');

// koa-session asks for no new id when there is a session under one already: the store merges onto it. It writes
// sessions whole only when `conflict` says so, and lists none.
const VERBS = { create: 5, replace: 3, scan: 3 };

const storeItself = {
  name: 'the koa class',
  Store: DynamoDBStore,
  unmet: VERBS,
  open: async (store) => {
    const loaded = new Map();
    const write = (name, ttl, data) => {
      const { id, ctx, session } = loaded.get(name);
      return outcomeOf(store, () => store.set(id, data ?? session, ttl, { ctx }));
    };
    return {
      own: [],
      put: (id, data, ttl) => store.set(id, data, ttl),
      async load(id, name) {
        const ctx = {};
        const session = await store.get(id, undefined, { ctx });
        if (name) loaded.set(name, { id, ctx, session });
        return session;
      },
      save: (name, data, ttl) => write(name, ttl, data),
      touch: (name, ttl) => write(name, ttl),
      delete: (id) => store.destroy(id),
      close: () => store.close(),
    };
  },
};

const ID = 'x-session-id';
const TTL = 'x-session-ttl';
const NAME = 'x-loaded-as';
const idOf = (ctx) => decodeURIComponent(ctx.get(ID));

const bodyOf = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks));
};

// An app that does with the session named in a header what the method says.
const HANDLERS = {
  GET: async (ctx) => (ctx.session.isNew ? {} : { data: ctx.session }),
  async PUT(ctx) {
    ctx.session = await bodyOf(ctx.req);
    ctx.session.maxAge = Number(ctx.get(TTL));
  },
  async DELETE(ctx) {
    ctx.session = null;
  },
};

const overHttp = {
  name: 'koa-session 7 over HTTP',
  Store: DynamoDBStore,
  // koa-session does not store a new session that nothing was put into.
  unmet: { ...VERBS, 'empty-sessions': 1 },
  async open(store) {
    const options = { store, genid: idOf, externalKey: { get: idOf, set() {} } };
    // A request that is to be gone on with waits for ever, once it has loaded the session.
    const arrivals = new Map();
    const waiting = new Map();
    const app = await serve(VERSIONS[0], options, async (ctx) => {
      const answer = await HANDLERS[ctx.method](ctx);
      const arrive = arrivals.get(ctx.get(NAME));
      if (!arrive) return answer;
      arrive({ ctx, answer: JSON.parse(JSON.stringify(answer)) });
      return new Promise(() => {});
    });
    const request = async (method, id, { body, ttl = 0, name = '' } = {}) => {
      const headers = { [ID]: encodeURIComponent(id), [TTL]: String(ttl), [NAME]: name };
      const response = await fetch(app.url, { method, headers, body });
      const text = await response.text();
      if (response.status === 200) return JSON.parse(text);
      throw app.errors.pop() ?? new Error(`${response.status} ${text}`);
    };
    const goOn = (name, ttl, change) => outcomeOf(store, () => {
      const ctx = waiting.get(name);
      change(ctx);
      ctx.session.maxAge = ttl;
      return ctx.session.save();
    });
    return {
      own: ['_expire', '_maxAge'],
      put: (id, data, ttl) => request('PUT', id, { body: JSON.stringify(data), ttl }),
      async load(id, name) {
        if (!name) return (await request('GET', id)).data;
        const arrived = new Promise((resolve) => { arrivals.set(name, resolve); });
        const ended = request('GET', id, { name });
        ended.catch(() => {}); // the app stops before it answers
        const { ctx, answer } = await Promise.race([arrived, ended]);
        waiting.set(name, ctx);
        return answer.data;
      },
      save: (name, data, ttl) => goOn(name, ttl, (ctx) => { ctx.session = data; }),
      touch: (name, ttl) => goOn(name, ttl, () => {}),
      delete: (id) => request('DELETE', id),
      async close() {
        await app.stop();
        await store.close();
      },
    };
  },
};

// Parallel requests may overwrite each other there, and a set is never a touch: it writes the whole session, whatever
// changed. Everything else holds.
const overwriting = {
  ...storeItself,
  name: 'the koa class that overwrites',
  options: { conflict: 'overwrite' },
  unmet: { ...VERBS, merge: 10, touch: 7 },
};

module.exports = [
  storeItself,
  overwriting,
  overHttp,
  sealed(storeItself),
  sealed(storeItself, { compress: true }),
  sealed(overHttp, { compress: true }),
  hashed(storeItself),
  hashed(storeItself, 'on'),
  hashed(overHttp),
  hashed(sealed(overHttp)),
];
