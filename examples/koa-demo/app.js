'use strict';

// The application: a Koa app with sessions. This is the file to copy from.

const fs = require('fs');
const path = require('path');
const Koa = require('koa');
const { createSession } = require('koa-session');
const rawBody = require('raw-body');
const atRest = require('./at-rest');
const views = require('./views');

const COOKIE = 'demo.sid';
const NAME_MAX = 40; // characters
const NOTE_MAX = 280;
const BODY_MAX = '8kb';
const REF = /^[0-9a-f]{24}$/; // a `ref` of `sessionsOf`

const STATIC = {
  '/style.css': ['text/css', fs.readFileSync(path.join(__dirname, 'style.css'))],
  '/icon.svg': ['image/svg+xml', fs.readFileSync(path.join(__dirname, 'icon.svg'))],
};

const HEADERS = {
  'Cache-Control': 'no-store', // the back button must not show a page after the sign-out
  'Content-Security-Policy': "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    + "base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin', // `no-referrer` would turn the Origin of our own forms into `null`
  'X-Content-Type-Options': 'nosniff',
};

// A form's field as text: browsers send line ends as CRLF but count them as one character.
const field = (form, name) => (form.get(name) || '').replace(/\r\n?/g, '\n').trim();

const readForm = async (ctx) => new URLSearchParams(
  await rawBody(ctx.req, { length: ctx.request.length, limit: BODY_MAX, encoding: 'utf8' }),
);

// Sets the page only: `render` renders it, after the session has been saved.
const show = (ctx, page = {}) => {
  // A visitor who has not signed in has an empty session, and an empty session is never stored.
  if (ctx.session.user) ctx.session.views += 1;
  ctx.status = page.problem ? 422 : 200;
  ctx.state.page = page;
};

// Answers a POST with "see other", so that reloading the page does not send the form again.
const goHome = (ctx, place = '') => {
  ctx.status = 303;
  ctx.redirect(`/${place}`);
};

// For a form of a visitor whose session has ended meanwhile.
const askAgain = (ctx, consequence) => show(ctx, {
  field: 'name', problem: `Your session has ended, so ${consequence}. Please sign in.`,
});

// The signed cookie of a session that is not there any more.
const hasEnded = (ctx) => !ctx.session.user && Boolean(ctx.cookies.get(COOKIE, { signed: true }));

const createRoutes = (store) => ({
  'GET /': (ctx) => show(ctx, { hasEnded: hasEnded(ctx) }),

  'POST /sign-in': async (ctx) => {
    const name = field(await readForm(ctx), 'name').replace(/[\p{Cc}\s]+/gu, ' ').trim();
    if (!name) return show(ctx, { field: 'name', problem: 'Please enter a name.' });
    if (name.length > NAME_MAX) {
      return show(ctx, { field: 'name', value: name, problem: `Please use at most ${NAME_MAX} characters; this has ${name.length}.` });
    }
    ctx.session = {}; // remove the data of an earlier visitor,
    await ctx.session.regenerate(); // and replace the session id from before the sign-in
    Object.assign(ctx.session, {
      user: name, signedInAt: new Date().toISOString(), views: 0, note: '',
    });
    return goHome(ctx);
  },

  'POST /note': async (ctx) => {
    const note = field(await readForm(ctx), 'note');
    if (!ctx.session.user) return askAgain(ctx, 'the note was not saved');
    if (note.length > NOTE_MAX) {
      return show(ctx, { field: 'note', value: note, problem: `Please use at most ${NOTE_MAX} characters; this has ${note.length}.` });
    }
    ctx.session.note = note;
    return goHome(ctx);
  },

  // A POST, so that no link or image on another page can sign the visitor out.
  'POST /sign-out': (ctx) => {
    ctx.session = null; // deletes the item and the cookie
    goHome(ctx);
  },

  // The visitor's own devices only: the store looks for the session among those of this user.
  'POST /devices/sign-out': async (ctx) => {
    const ref = field(await readForm(ctx), 'ref');
    if (!ctx.session.user) return askAgain(ctx, 'no device was signed out');
    // The next request of the other device finds no session. `revoke` is false if the session had ended before.
    if (!REF.test(ref) || !await store.revoke(ctx.session.user, ref)) {
      return show(ctx, { field: 'device', problem: 'That device is no longer signed in. This is the current list.' });
    }
    return goHome(ctx, '#devices');
  },

  'POST /devices/sign-out-others': async (ctx) => {
    if (!ctx.session.user) return askAgain(ctx, 'no device was signed out');
    await store.revokeUser(ctx.session.user, { except: ctx.session.externalKey });
    return goHome(ctx, '#devices');
  },

  'POST /devices/sign-out-everywhere': async (ctx) => {
    if (!ctx.session.user) return askAgain(ctx, 'no device was signed out');
    await store.revokeUser(ctx.session.user);
    ctx.session = null; // this device is one of them, and its cookie goes as well
    return goHome(ctx);
  },

  // For the demo only: the view that follows stores the session in the other form.
  'POST /at-rest': async (ctx) => {
    atRest.choose(ctx, field(await readForm(ctx), 'form'));
    goHome(ctx, '#stored');
  },
});

// The outermost middleware: headers for every answer, and a page for every error. Details are only
// in the log.
const errors = (log) => async (ctx, next) => {
  ctx.set(HEADERS);
  try {
    await next();
  } catch (err) {
    if (err.expose) {
      ctx.status = err.status; // errors of the app: not found, refused, too large
    } else if (err.retryable !== undefined) {
      ctx.status = 503; // the store's errors say whether a retry can succeed
      ctx.set('Retry-After', '5');
      const hint = err.hint ? ` (${err.hint})` : '';
      log(`${ctx.method} ${ctx.path}: the session store failed: ${err.code}: ${err.message}${hint}`);
    } else {
      ctx.status = 500;
      log(`${ctx.method} ${ctx.path}: ${err.stack}`);
    }
    if (err.headers) ctx.set(err.headers);
    ctx.body = views.error({ status: ctx.status });
  }
};

const serveStatic = async (ctx, next) => {
  const file = ctx.method === 'GET' && STATIC[ctx.path];
  if (!file) return next();
  ctx.set('Cache-Control', 'no-cache');
  [ctx.type, ctx.body] = file;
  return undefined;
};

// Unknown addresses are answered before the session is loaded, so they cost no read.
const route = (routes) => async (ctx, next) => {
  const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
  ctx.state.handler = Object.hasOwn(routes, `${method} ${ctx.path}`) && routes[`${method} ${ctx.path}`];
  if (!ctx.state.handler) {
    const allow = ['GET', 'POST'].filter((verb) => Object.hasOwn(routes, `${verb} ${ctx.path}`));
    if (allow.length > 0) ctx.throw(405, { headers: { Allow: allow.join(', ') } });
    ctx.throw(404);
  }
  await next();
};

// Beside the SameSite cookie, the guard against forged forms: a POST must come from this site's own
// pages. Browsers say so in Sec-Fetch-Site (over https and on localhost), and in Origin otherwise.
// (Koa's own `ctx.origin` will not do: since Koa 3 it is the header itself.)
const sameOrigin = async (ctx, next) => {
  if (ctx.method === 'POST') {
    const site = ctx.get('Sec-Fetch-Site');
    const own = `${ctx.protocol}://${ctx.host}`;
    ctx.assert(site ? ['same-origin', 'none'].includes(site) : ctx.get('Origin') === own, 403);
  }
  await next();
};

// Where a user is signed in. It costs a read for the user and one for each device, so most apps have a page of its own
// for it.
const devicesOf = async (store, { user, externalKey }, log) => {
  try {
    return { list: await store.sessionsOf(user, { current: externalKey }) };
  } catch (err) {
    log(`the devices could not be listed: ${err.code}: ${err.message}`);
    return { problem: 'The list could not be read. The log of the server says why. You stay signed in.' };
  }
};

// Around the session middleware, so that the page shows the item and the devices after the session was saved.
const render = ({ store, describe, log }) => async (ctx, next) => {
  await next();
  if (!ctx.state.page) return;
  const { user } = ctx.session;
  ctx.body = views.home({
    session: user && ctx.session.toJSON(),
    // The view counter changed the session, and a changed session is saved with a new expiry.
    expires: new Date(Date.now() + ctx.session.maxAge),
    stored: { ...await describe(user && ctx.session.externalKey), form: user && atRest.of(ctx) },
    devices: user && await devicesOf(store, ctx.session, log),
    page: ctx.state.page,
    limits: { name: NAME_MAX, note: NOTE_MAX },
  });
};

// store: a session store with the option `users`. keys: the cookie's signing keys, newest first. describe: reads the
// raw item for the page. log: called with each line. proxy: whether a reverse proxy in front tells protocol and host in
// X-Forwarded-*.
module.exports = function createApp({
  store, keys, describe, maxAge, log, proxy = false,
}) {
  const app = new Koa({ keys, proxy });
  app.use(errors(log));
  app.use(serveStatic);
  app.use(route(createRoutes(store)));
  app.use(sameOrigin);
  app.use(render({ store, describe, log }));
  app.use(createSession({
    store,
    key: COOKIE,
    maxAge, // milliseconds
    renew: true, // a visitor who keeps using the app stays signed in
    httpOnly: true,
    sameSite: 'lax',
    signed: true,
    // `secure` is left out: the cookie is secure whenever the request came over https.
  }, app));
  app.use((ctx) => ctx.state.handler(ctx));
  return app;
};
