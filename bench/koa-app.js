'use strict';

// A Koa app over one of the stores, as a process of its own: node koa-app.js SUBJECT.

const { once } = require('node:events');
const { readFileSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const Koa = require('koa');
const { default: koaSession } = require('koa-session');
const { serve } = require('./lines.js');
const { ID } = require('./session.js');
const usage = require('./usage.js');

const { open } = require(`./subjects/${process.argv[2]}.js`); // eslint-disable-line import/no-dynamic-require

const HANDLERS = {
  '/start': (ctx, data) => { ctx.session = data; },
  '/read': () => {},
  '/write': (ctx) => { ctx.session.views += 1; },
};

async function start(place) {
  const data = JSON.parse(readFileSync(place.session, 'utf8'));
  const app = new Koa();
  app.keys = ['a key'];
  // The null server always gives the same session, so every visitor gets its id.
  app.use(koaSession({ store: open(place), genid: () => ID }, app));
  app.use((ctx) => {
    HANDLERS[ctx.path](ctx, data);
    ctx.body = `${ctx.session.views} views by ${ctx.session.user.name}`;
  });
  const server = http.createServer(app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;

  // The cookie of a browser that has a session.
  const { headers } = await fetch(`${url}/start`);
  const Cookie = headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ');
  const visit = (path) => ({
    method: 'GET', path, headers: Object.entries({ Host: 'localhost', Cookie }), body: '',
  });
  writeFileSync(place.requests, JSON.stringify({ get: visit('/read'), put: visit('/write') }));
  const check = await fetch(`${url}/read`, { headers: { Cookie } });
  if (await check.text() !== '42 views by Ada') throw new Error(`the app answers ${check.status}`);
  return { url };
}

let before;

serve({
  start,
  begin() {
    usage.forgetPeak();
    before = usage.cpu();
  },
  end: () => ({ ...usage.since(before), rssMb: usage.peakRssMb() }),
});
