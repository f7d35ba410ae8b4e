'use strict';

// Koa, Express and Fastify alike, for scenes that play in each of them.

const KoaStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const express = require('./express');
const fastify = require('./fastify');
const { serveFor, VERSIONS } = require('./koa');
const call = require('./session-call');

const koa = (version) => ({
  name: version.name,
  isKoa: true,
  isNewKnown: true,
  Store: KoaStore,
  cookies: (id) => ({ 'koa.sess': id }),
  open: (t, store, { genid, maxAge }, handle) => (
    serveFor(t, version, {
      store, genid, maxAge, rolling: true,
    }, (ctx) => handle({
      path: ctx.path,
      query: ctx.query,
      get session() { return ctx.session; },
      fields: () => ctx.session?.toJSON() ?? {},
      id: () => ctx.session.externalKey,
      renew: () => ctx.session.regenerate(),
      signOut() { ctx.session = null; },
      setLifetime(ms) { ctx.session.maxAge = ms; },
      lifetime: () => ctx.session.maxAge,
    }))),
});

const callbacks = (framework, setLifetime) => ({
  name: framework.name,
  isNewKnown: framework.isNewKnown,
  Store: ExpressStore,
  cookies: framework.cookies,
  open: (t, store, { genid, maxAge }, handle) => (
    framework.serveFor(t, store, { cookie: { maxAge }, ...framework.withIds(genid) }, (request, path) => handle({
      path,
      query: request.query,
      get session() { return request.session; },
      fields() {
        const { cookie, ...fields } = request.session ?? {};
        return fields;
      },
      id: () => framework.idIn(request.session),
      async renew() {
        const { user } = request.session;
        await call(request.session, 'regenerate');
        request.session.user = user;
        await call(request.session, 'save');
      },
      signOut: () => call(request.session, 'destroy'),
      setLifetime: (ms) => setLifetime(request.session, ms),
      lifetime: () => request.session.cookie.originalMaxAge,
      // What nothing is known of, such as a session that the application has made itself.
      put: (id, fields) => call(request.sessionStore, 'set', id, {
        ...fields, cookie: { originalMaxAge: maxAge, expires: new Date(Date.now() + maxAge).toISOString() },
      }),
    }))),
});

module.exports = [
  ...VERSIONS.map(koa),
  // eslint-disable-next-line no-param-reassign -- a session is there to be changed
  callbacks(express, (session, ms) => { session.cookie.maxAge = ms; }),
  callbacks(fastify, (session, ms) => session.options({ maxAge: ms })),
];
