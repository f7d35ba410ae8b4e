'use strict';

const DynamoDBStore = require('koa-session-dynamodb-store/express');
const express = require('../support/express');
const fastify = require('../support/fastify');
const peers = require('../support/peers');
const call = require('../support/session-call');
const Visitor = require('../support/visitor');
const { hashing } = require('./hashed');
const {
  ENCRYPTION, MINUTE, opener, PRICES,
} = require('./ours');
const { withUsers } = require('./users');

// Both frameworks pass only the id of the session that ends.
const ID_ONLY = { ...PRICES, logout: ['GetItem GetItem PutItem', '2 + 1', '6 + 10'] };
// express-session touches every session that it has loaded.
const EXPRESS = { ...ID_ONLY, 'view that only reads': ['GetItem UpdateItem', '1 + 1', '3 + 10'] };
const FASTIFY = { ...ID_ONLY, 'view that only reads': ['GetItem', '1 + 0', '3 + 0'] };

const PEER = {
  'first visit, nothing stored': ['', '0 + 0', '0 + 0'],
  'first visit that begins a session': ['PutItem', '0 + 1', '0 + 10'],
  'view that changes a field': ['GetItem PutItem', '1 + 1', '3 + 10'],
  'change of a session destroyed meanwhile': ['GetItem PutItem', '1 + 1', '3 + 10'],
  logout: ['GetItem DeleteItem', '1 + 1', '3 + 10'],
  'logout without a session': ['DeleteItem', '0 + 1', '0 + 1'],
};
const PEER_EXPRESS = {
  ...PEER,
  'view that only reads': ['GetItem UpdateItem', '1 + 1', '3 + 10'],
  'rolling view that only reads': ['GetItem UpdateItem', '1 + 1', '3 + 10'],
};
const PEER_FASTIFY = {
  ...PEER,
  'view that only reads': ['GetItem', '1 + 0', '3 + 0'],
  'rolling view that only reads': ['GetItem PutItem', '1 + 1', '3 + 10'],
};

const ours = opener(DynamoDBStore);

const adapter = (framework, prices, peerPrices) => ({
  name: framework.name,

  // docs/cost.md shows the first and the last of them.
  stores: {
    'this package': { open: ours(), openWith: ours, prices },
    'this package, encrypted': { open: ours({ encryption: ENCRYPTION }), prices },
    ...hashing(ours, prices),
    ...withUsers(ours, prices),
    "this package, conflict: 'overwrite'": { open: ours({ conflict: 'overwrite' }), prices },
    "this package, layout: 'connect-dynamodb'": {
      open: ours({ layout: 'connect-dynamodb' }), prices, table: { key: 'id', prefix: 'sess:' },
    },
    'connect-dynamodb 3.0.5': {
      open: (endpoint, table) => peers['connect-dynamodb 3'].open(framework, endpoint, table),
      prices: peerPrices,
      table: { key: 'id', prefix: 'sess:' },
    },
  },

  async serve(t, store, { rolling = false, data, pause }) {
    const options = { rolling, saveUninitialized: false, cookie: { maxAge: 60 * MINUTE } };
    const app = await framework.serveFor(t, store, options, async (request, path) => {
      await pause(path);
      if (path === '/sign-in') Object.assign(request.session, { user: 'Ada', views: 1, ...data });
      if (path === '/change') request.session.views += 1;
      if (path.startsWith('/set/')) request.session[path.slice(5)] = 1;
      if (path === '/sign-out') await call(request.session, 'destroy');
    });
    return { visitor: new Visitor(app.url), errors: app.errors };
  },

  idOf: framework.idOf,
});

module.exports = [adapter(express, EXPRESS, PEER_EXPRESS), adapter(fastify, FASTIFY, PEER_FASTIFY)];
