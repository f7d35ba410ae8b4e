'use strict';

// What the suite is run on. A subject opens, for each case, something with these members; a face that has no such verb
// lacks it, and `unmet` says by the need's name how many cases that concerns. `options` are for the store.
//
// own                     the fields that the face adds to the data by itself
// put(id, data, ttl)      stores a session, whatever is there
// load(id)                the data; undefined: a miss
// delete(id), close()
// hold(id)                the beginning of a request that loads the session and goes on: something with its `data`
// save(held, data, ttl)   its end: stores the session; 'written' or 'gone'
// replace, touch          the same for those verbs: (held, data, ttl) and (held, ttl)
// create(id, data, ttl)   'created' or 'taken'
// list(), count(), clear()  the live sessions by id; how many; how many were deleted, or undefined

const { once, EventEmitter } = require('node:events');
const { serve, VERSIONS } = require('../support/koa');

// koa-session gets, sets and destroys. A set of what was got is a save.
const VERBS = {
  create: 4, touch: 6, replace: 3, scan: 2,
};

// What became of writes: those of a session that has gone are dropped and counted.
const written = async (store, write) => {
  const { conflicts } = store.stats();
  await write();
  return store.stats().conflicts > conflicts ? 'gone' : 'written';
};

const storeItself = {
  name: 'the koa class',
  unmet: VERBS,
  open: async (store) => ({
    own: [],
    put: (id, data, ttl) => store.set(id, data, ttl),
    load: (id) => store.get(id),
    delete: (id) => store.destroy(id),
    async hold(id) {
      const ctx = {};
      return { id, ctx, data: await store.get(id, undefined, { ctx }) };
    },
    save: ({ id, ctx }, data, ttl) => written(store, () => store.set(id, data, ttl, { ctx })),
    close: () => store.close(),
  }),
};

const ID = 'x-session-id';
const TTL = 'x-session-ttl';
const HELD = 'x-held';
const idOf = (ctx) => decodeURIComponent(ctx.get(ID));

const bodyOf = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks));
};

const dataOf = (ctx) => (ctx.session.isNew ? {} : { data: ctx.session });

// Requests that are held open, by number: each emits what it loaded, and ends when it is emitted what to save, if
// anything.
const held = new Map();

// An app that does with the session named in a header what the method says.
const HANDLERS = {
  GET: async (ctx) => dataOf(ctx),
  async PUT(ctx) {
    ctx.session = await bodyOf(ctx.req);
    ctx.session.maxAge = Number(ctx.get(TTL));
  },
  async DELETE(ctx) {
    ctx.session = null;
  },
  async PATCH(ctx) {
    const request = held.get(ctx.get(HELD));
    const ended = once(request, 'end');
    request.emit('loaded', JSON.parse(JSON.stringify(dataOf(ctx))));
    const [{ data, ttl } = {}] = await ended;
    if (!data) return;
    ctx.session = data;
    ctx.session.maxAge = ttl;
  },
};

const overHttp = {
  name: 'koa-session 7 over HTTP',
  // koa-session does not store a new session that nothing was put into.
  unmet: { ...VERBS, 'empty-sessions': 1 },
  async open(store) {
    const options = { store, genid: idOf, externalKey: { get: idOf, set() {} } };
    const app = await serve(VERSIONS[0], options, (ctx) => HANDLERS[ctx.method](ctx));
    const request = async (method, id, { body, ttl = 0, number = '' } = {}) => {
      const headers = { [ID]: encodeURIComponent(id), [TTL]: String(ttl), [HELD]: number };
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
      async hold(id) {
        const number = String(held.size);
        const events = new EventEmitter();
        held.set(number, events);
        const loaded = once(events, 'loaded');
        const response = request('PATCH', id, { number });
        const [{ data }] = await Promise.race([loaded, response]);
        return { data, events, response };
      },
      save: ({ events, response }, data, ttl) => written(store, () => {
        events.emit('end', { data, ttl });
        return response;
      }),
      async close() {
        held.forEach((events) => events.emit('end'));
        await app.stop();
        await store.close();
      },
    };
  },
};

// Parallel requests may overwrite each other there. Everything else holds.
const overwriting = {
  ...storeItself,
  name: 'the koa class that overwrites',
  options: { conflict: 'overwrite' },
  unmet: { ...VERBS, merge: 8 },
};

module.exports = [storeItself, overwriting, overHttp];
