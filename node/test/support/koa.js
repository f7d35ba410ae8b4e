'use strict';

const http = require('node:http');
const { once } = require('node:events');
const Koa = require('koa');
const koaSession6 = require('koa-session-6');
const koaSession7 = require('koa-session');

// Both majors people run. To a store, 6 differs from 7 in that `rolling` may be undefined, and in that functions in
// the session reach it.
const VERSIONS = [
  { name: 'koa-session 7', koaSession: koaSession7.default },
  { name: 'koa-session 6', koaSession: koaSession6 },
];

// A Koa app with sessions, listening on loopback. `handler(ctx)` answers; what it returns is the body.
// Cookies are unsigned by default, so that a test can come with the id it likes. `server` is for Node's HTTP server.
const serve = async ({ koaSession }, { server: serverOptions = {}, ...sessionOptions }, handler) => {
  const app = new Koa();
  app.keys = ['a key of the tests'];
  const errors = [];
  const events = [];
  app.on('error', (err) => errors.push(err));
  ['missed', 'expired', 'invalid'].forEach((name) => {
    app.on(`session:${name}`, ({ key, value }) => events.push({ name: `session:${name}`, key, value }));
  });
  app.use(koaSession({ signed: false, ...sessionOptions }, app));
  app.use(async (ctx) => {
    ctx.body = await handler(ctx) ?? {};
  });
  const server = http.createServer(serverOptions, app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    errors,
    events,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
};

// The same for one test, which stops it at its end.
const serveFor = async (t, ...args) => {
  const app = await serve(...args);
  t.after(app.stop);
  return app;
};

module.exports = { VERSIONS, serve, serveFor };
