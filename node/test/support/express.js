'use strict';

const { createHmac } = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const express = require('express');
const expressSession = require('express-session');

const SECRET = 'a secret of the tests';

// What a browser holds: the id, signed.
const signed = (id) => {
  const signature = createHmac('sha256', SECRET).update(id).digest('base64').replace(/=+$/, '');
  return encodeURIComponent(`s:${id}.${signature}`);
};

const framework = {
  name: 'express-session',
  // The store knows a session that the framework has just made.
  isNewKnown: true,
  // What the `Store` of peers comes from.
  session: expressSession,
  // The cookies of a visitor with this id, and back.
  cookies: (id) => ({ 'connect.sid': signed(id) }),
  idOf(visitor) {
    const cookie = visitor.cookies.get('connect.sid');
    return cookie && decodeURIComponent(cookie).slice(2).replace(/\.[^.]*$/, '');
  },

  idIn: (session) => session.id,

  // Fields that its own sessions cannot have, because they have them already.
  notCarried: {
    id: 'x', req: 'x', touch: 'x', resetMaxAge: 1, save: 'x', reload: 'x', destroy: true, regenerate: 'x', toString: 'x', constructor: 'x',
  },

  // Options for apps whose new sessions get these ids.
  withIds: (next) => ({ genid: next }),

  // An Express app with sessions, listening on loopback. `handler(request, path)` answers; what it returns is the
  // body. `errors` is what reached the app's error handler.
  async serve(store, options, handler) {
    const errors = [];
    const app = express();
    app.use(expressSession({
      store, secret: SECRET, resave: false, saveUninitialized: false, ...options,
    }));
    app.use(async (request, response) => {
      response.json(await handler(request, request.path) ?? {});
    });
    app.use((error, request, response, next) => { // eslint-disable-line no-unused-vars -- four make it a handler
      errors.push(error);
      if (!response.headersSent) response.status(error.status ?? 500).json({ message: error.message });
    });
    const server = http.createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `http://127.0.0.1:${server.address().port}`,
      errors,
      async stop() {
        server.close();
        server.closeAllConnections();
      },
    };
  },

  // The same for one test, which stops it at its end.
  async serveFor(t, ...args) {
    const app = await framework.serve(...args);
    t.after(app.stop);
    return app;
  },
};

module.exports = framework;
