'use strict';

const cookie = require('@fastify/cookie');
const fastifySession = require('@fastify/session');
const fastify = require('fastify');

// Unsigned, so that a test can come with the id it likes.
const UNSIGNED = {
  sign: (id) => id,
  unsign: (value) => ({ valid: true, renew: false, value }),
};

// See ./express.js: both are used alike.
const framework = {
  name: '@fastify/session',
  session: fastifySession,
  cookies: (id) => ({ sessionId: encodeURIComponent(id) }),
  idOf: (visitor) => {
    const value = visitor.cookies.get('sessionId');
    return value && decodeURIComponent(value);
  },

  idIn: (session) => session.sessionId,

  notCarried: { sessionId: 'x', encryptedSessionId: 'x' },

  withIds: (next) => ({ idGenerator: next }),

  async serve(store, { cookie: cookieOptions, ...options }, handler) {
    const errors = [];
    const app = fastify({ forceCloseConnections: true });
    app.register(cookie);
    app.register(fastifySession, {
      store, secret: UNSIGNED, cookie: { secure: false, ...cookieOptions }, ...options,
    });
    app.addHook('onError', async (request, reply, error) => { errors.push(error); });
    app.route({
      method: ['GET', 'POST'],
      url: '/*',
      handler: async (request) => await handler(request, request.url.split('?')[0]) ?? {},
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { url, errors, stop: () => app.close() };
  },

  async serveFor(t, ...args) {
    const app = await framework.serve(...args);
    t.after(app.stop);
    return app;
  },
};

module.exports = framework;
