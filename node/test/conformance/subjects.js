'use strict';

// What the suite is run on. A subject makes, for each case, something with `put`, `load` (undefined: a miss), `delete`
// and `own`: the fields it adds to the data by itself. `unmet` names what it cannot do and how many cases need that.

const { serve, VERSIONS } = require('../support/koa');

// The koa face writes unconditionally: it has no other verbs.
const VERBS = { create: 4, save: 5, touch: 5 };

const storeItself = {
  name: 'the koa class',
  unmet: VERBS,
  open: async (store) => ({
    own: [],
    put: (id, data, ttl) => store.set(id, data, ttl),
    load: (id) => store.get(id),
    delete: (id) => store.destroy(id),
    close: () => store.close(),
  }),
};

const ID = 'x-session-id';
const TTL = 'x-session-ttl';
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
  // koa-session does not store a new session that nothing was put into.
  unmet: { ...VERBS, 'empty-sessions': 1 },
  async open(store) {
    const options = { store, genid: idOf, externalKey: { get: idOf, set() {} } };
    const app = await serve(VERSIONS[0], options, (ctx) => HANDLERS[ctx.method](ctx));
    const request = async (method, id, { body, ttl = 0 } = {}) => {
      const headers = { [ID]: encodeURIComponent(id), [TTL]: String(ttl) };
      const response = await fetch(app.url, { method, headers, body });
      const text = await response.text();
      if (response.status === 200) return JSON.parse(text);
      throw app.errors.pop() ?? new Error(`${response.status} ${text}`);
    };
    return {
      own: ['_expire', '_maxAge'],
      put: (id, data, ttl) => request('PUT', id, { body: JSON.stringify(data), ttl }),
      load: async (id) => (await request('GET', id)).data,
      delete: (id) => request('DELETE', id),
      async close() {
        await app.stop();
        await store.close();
      },
    };
  },
};

module.exports = [storeItself, overHttp];
