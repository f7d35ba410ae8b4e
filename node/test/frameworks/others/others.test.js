'use strict';

// Packages that use a store for express-session or koa-session in ways of their own, as published.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const express = require('express');
const SessionStore = require('keycloak-connect/stores/session-store');
const Koa = require('koa');
const genericSession = require('koa-generic-session');
const nextSession = require('next-session').default;
const { promisifyStore } = require('next-session/lib/compat');
const KoaDynamoDBStore = require('koa-session-dynamodb-store');
const ExpressDynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../../support/engine');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');
const { warningsOf } = require('../../support/warnings');

const engine = useEngine();
const NAME = unique('others');

before(async () => {
  await engine.started;
  await rawTable(engine.endpoint, NAME).create();
});

const openid = (file) => require(path.join('express-openid-connect/lib', file)); // eslint-disable-line global-require, import/no-dynamic-require

async function listening(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

const open = (Store) => new Store(local(engine.endpoint, NAME, { prefix: `${unique('other')}:` }));

describe('express-openid-connect', () => {
  /** What `auth()` makes of its options, without an identity provider. */
  const configOf = (store) => openid('config').get({
    authRequired: false,
    baseURL: 'https://app.example',
    clientID: 'client',
    issuerBaseURL: 'https://issuer.example',
    secret: 'a secret of the tests, long enough',
    session: { store, cookie: { secure: false } },
    backchannelLogout: true,
  });

  it('a visitor signs in, is known, and signs out', async (t) => {
    const store = open(ExpressDynamoDBStore);
    const app = express();
    app.use(openid('appSession')(configOf(store)));
    app.get('/in', (request, response) => {
      Object.assign(request.appSession, { id_token: 'token', views: 1 });
      response.json({});
    });
    app.get('/out', (request, response) => {
      request.appSession = undefined;
      response.json({});
    });
    app.get('/', (request, response) => {
      if (request.appSession?.views) request.appSession.views += 1;
      response.json(request.appSession ?? {});
    });
    const visitor = new Visitor(await listening(t, app));
    const warnings = await warningsOf(async () => {
      await visitor.get('/in');
      assert.deepEqual((await visitor.get('/')).body, { id_token: 'token', views: 2 });
      assert.deepEqual((await visitor.get('/')).body, { id_token: 'token', views: 3 });
      assert.equal(await store.length(), 1);
      await visitor.get('/out');
      assert.deepEqual((await visitor.get('/')).body, {});
      assert.equal(await store.length(), 0);
    });
    assert.deepEqual(warnings, []);
  });

  it('a logout that the identity provider reports is found', async () => {
    const store = open(ExpressDynamoDBStore);
    const config = configOf(store);
    await openid('hooks/backchannelLogout/onLogoutToken')({ iss: 'https://issuer.example', sid: 'sid', sub: 'sub' }, config);
    for (const id of ['https://issuer.example|sid', 'https://issuer.example|sub']) {
      const marker = await store.get(id);
      assert.equal(typeof marker.cookie.expires, 'number', id);
    }
  });
});

it('next-session: a visitor is known, and signs out', async (t) => {
  const store = open(ExpressDynamoDBStore);
  const getSession = nextSession({ store: promisifyStore(store), cookie: { maxAge: 60 } });
  const url = await listening(t, async (request, response) => {
    const session = await getSession(request, response);
    if (request.url === '/out') await session.destroy();
    else session.views = (session.views ?? 0) + 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ views: session.views }));
  });
  const visitor = new Visitor(url);
  for (const views of [1, 2, 3]) assert.equal((await visitor.get('/')).body.views, views);
  assert.equal(await store.length(), 1);
  await visitor.get('/out');
  assert.equal(await store.length(), 0);
  assert.equal((await visitor.get('/')).body.views, 1);
});

it('keycloak-connect: a logout that the server reports takes the token out of the session', async () => {
  const store = open(ExpressDynamoDBStore);
  const cookie = { originalMaxAge: 60000, expires: new Date(Date.now() + 60000).toISOString() };
  await store.set('id', { cookie, 'keycloak-token': 'token', views: 1 });
  new SessionStore(store).clear('id');
  // It gives `set` no callback, and does not wait.
  await until('the token to be gone', async () => !('keycloak-token' in await store.get('id')));
  assert.equal((await store.get('id')).views, 1);
});

it('koa-generic-session: a visitor is known, and signs out', async (t) => {
  const app = new Koa();
  app.keys = ['a key of the tests'];
  app.use(genericSession({ store: open(KoaDynamoDBStore) }));
  app.use((ctx) => {
    if (ctx.path === '/out') ctx.session = null;
    else ctx.session.views = (ctx.session.views ?? 0) + 1;
    ctx.body = { views: ctx.session?.views };
  });
  const visitor = new Visitor(await listening(t, app.callback()));
  const warnings = await warningsOf(async () => {
    for (const views of [1, 2, 3]) assert.equal((await visitor.get('/')).body.views, views);
  });
  // It does not say which request it is.
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /without `\{ ctx \}`/);
  await visitor.get('/out');
  assert.equal((await visitor.get('/')).body.views, 1);
});
