'use strict';

// What the suite is run on: the class for Express and Fastify, and both frameworks with it. See ./run.js.

const DynamoDBStore = require('koa-session-dynamodb-store/express');
const express = require('../support/express');
const fastify = require('../support/fastify');
const call = require('../support/session-call');
const Visitor = require('../support/visitor');
const hashed = require('./hashed');
const outcomeOf = require('./outcome');
const sealed = require('./sealed');

// Express and Fastify make ids of their own and write new sessions whatever is there, and replace none.
const UNMET = { create: 5, replace: 3 };

const ADDED = { cookie: { M: { originalMaxAge: { NULL: true }, expires: { NULL: true } } } };

const cookieOf = (ttl) => ({ originalMaxAge: ttl, expires: new Date(Date.now() + ttl).toISOString() });

// Gives a session these fields and no others.
const fill = (session, data) => {
  Object.keys(session).filter((name) => name !== 'cookie' && typeof session[name] !== 'function').forEach((name) => {
    delete session[name]; // eslint-disable-line no-param-reassign
  });
  Object.assign(session, data);
};

const dataOf = (session) => {
  if (!session) return undefined;
  const fields = Object.entries(session).filter(([name, value]) => name !== 'cookie' && typeof value !== 'function');
  return Object.fromEntries(fields);
};

// What is about all sessions.
const ofAll = (store) => ({
  list: async () => Object.fromEntries((await call(store, 'all')).map((session) => {
    if (session.id === undefined) return [store.refOf(session), dataOf(session)];
    const { id, ...others } = session;
    return [id, dataOf(others)];
  })),
  count: () => call(store, 'length'),
  clear: () => call(store, 'clear'),
});

const storeItself = {
  name: 'the class for Express and Fastify',
  Store: DynamoDBStore,
  unmet: UNMET,
  async open(store) {
    const loaded = new Map();
    const write = (method, name, ttl, data) => {
      const { id, session } = loaded.get(name);
      if (data) fill(session, data);
      session.cookie = cookieOf(ttl);
      return outcomeOf(store, () => call(store, method, id, session));
    };
    return {
      ...ofAll(store),
      own: ['cookie'],
      adds: ADDED,
      put: (id, data, ttl) => call(store, 'set', id, { ...data, cookie: cookieOf(ttl) }),
      async load(id, name) {
        const session = await call(store, 'get', id);
        if (name) loaded.set(name, { id, session });
        return dataOf(session);
      },
      save: (name, data, ttl) => write('set', name, ttl, data),
      touch: (name, ttl) => write('touch', name, ttl),
      delete: (id) => call(store, 'destroy', id),
      close: () => store.close(),
    };
  },
};

const ID = 'x-session-id';
const NAME = 'x-loaded-as';

const bodyOf = async (request) => {
  if (typeof request.body === 'string') return JSON.parse(request.body);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks));
};

const overHttp = (framework, unmet) => ({
  name: `${framework.name} over HTTP`,
  Store: DynamoDBStore,
  unmet: { ...UNMET, ...unmet },
  async open(store) {
    let next;
    // A request that is to be gone on with waits for ever, once it has loaded the session.
    const arrivals = new Map();
    const waiting = new Map();
    const handlers = {
      '/load': (request) => {
        const { headers, session } = request;
        const data = framework.idIn(session) === decodeURIComponent(headers[ID]) ? dataOf(session) : undefined;
        const arrive = arrivals.get(headers[NAME]);
        if (!arrive) return { data };
        arrive({ session, data: JSON.parse(JSON.stringify(data)) });
        return new Promise(() => {});
      },
      '/put': async (request) => {
        const { data, ttl } = await bodyOf(request);
        fill(request.session, data);
        request.session.cookie.maxAge = ttl;
        await call(request.session, 'save');
      },
      '/delete': ({ session }) => call(session, 'destroy'),
    };
    const options = { ...framework.withIds(() => next ?? 'none'), saveUninitialized: false, rolling: false };
    const app = await framework.serve(store, options, (request, path) => handlers[path](request));

    const request = async (path, id, { name = '', body } = {}) => {
      const headers = { [ID]: encodeURIComponent(id), [NAME]: name };
      const answer = await new Visitor(app.url, framework.cookies(id)).request(path, { method: body ? 'POST' : 'GET', headers, body });
      if (answer.status === 200) return answer.body;
      throw app.errors.at(-1) ?? new Error(`${answer.status} ${answer.body}`);
    };
    const goOn = (name, ttl, change) => outcomeOf(store, () => {
      const session = waiting.get(name);
      change(session);
      session.cookie.maxAge = ttl;
      return call(session, 'save');
    });
    return {
      ...ofAll(store),
      own: ['cookie'],
      adds: ADDED,
      // In place of what is loaded, or as a new session if there is none.
      async put(id, data, ttl) {
        next = id;
        await request('/put', id, { body: JSON.stringify({ data, ttl }) });
        next = undefined;
      },
      async load(id, name) {
        if (!name) return (await request('/load', id)).data;
        const arrived = new Promise((resolve) => { arrivals.set(name, resolve); });
        const ended = request('/load', id, { name });
        ended.catch(() => {}); // the app stops before it answers
        const { session, data } = await Promise.race([arrived, ended]);
        waiting.set(name, session);
        return data;
      },
      save: (name, data, ttl) => goOn(name, ttl, (session) => fill(session, data)),
      touch: (name, ttl) => goOn(name, ttl, () => {}),
      delete: (id) => request('/delete', id),
      async close() {
        await app.stop();
        await store.close();
      },
    };
  },
});

// Parallel requests may overwrite each other there. Everything else holds.
const overwriting = {
  ...storeItself,
  name: 'the class for Express and Fastify that overwrites',
  options: { conflict: 'overwrite' },
  unmet: { ...UNMET, merge: 10 },
};

// Its sessions have a `constructor` already.
const overExpress = overHttp(express, { 'proto-keys': 1 });
const overFastify = overHttp(fastify, {});

module.exports = [
  storeItself,
  overwriting,
  overExpress,
  overFastify,
  sealed(storeItself),
  sealed(storeItself, { compress: true }),
  sealed(overExpress),
  sealed(overExpress, { compress: true }),
  sealed(overFastify),
  sealed(overFastify, { compress: true }),
  hashed(storeItself),
  hashed(storeItself, 'on'),
  hashed(overExpress),
  hashed(overFastify),
  hashed(sealed(overFastify)),
];
