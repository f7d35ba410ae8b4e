'use strict';

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { serveFor, VERSIONS } = require('../support/koa');
const { local } = require('../support/options');
const Visitor = require('../support/visitor');
const { hashing } = require('./hashed');
const {
  ENCRYPTION, MINUTE, opener, PRICES,
} = require('./ours');
const { withUsers } = require('./users');

const OURS = { ...PRICES, 'view that only reads': ['GetItem', '1 + 0', '3 + 0'] };

const halved = (price) => price.replace(/^\d+/, (read) => String(Number(read) / 2));
const withEventualReads = (prices) => ({
  ...Object.fromEntries(Object.entries(prices)
    .map(([view, [operations, ...units]]) => [view, [operations, ...units.map(halved)]])),
  // A delete that knows only the id has to know what is there now.
  'logout without a session': prices['logout without a session'],
});

const ours = opener(DynamoDBStore);

module.exports = VERSIONS.map((version) => ({
  name: version.name,

  // docs/cost.md shows the first and the last of them.
  stores: {
    'this package': { open: ours(), openWith: ours, prices: OURS },
    'this package, encrypted': { open: ours({ encryption: ENCRYPTION }), prices: OURS },
    ...hashing(ours, OURS),
    ...withUsers(ours, OURS),
    "this package, conflict: 'overwrite'": { open: ours({ conflict: 'overwrite' }), prices: OURS },
    'this package, consistentRead: false': { open: ours({ consistentRead: false }), prices: withEventualReads(OURS) },
    'koa-session-dynamodb-store 1.1.1': {
      open: (endpoint, table) => new Legacy(local(endpoint, table)),
      prices: {
        'first visit, nothing stored': ['', '0 + 0', '0 + 0'],
        'first visit that begins a session': ['PutItem', '0 + 1', '0 + 10'],
        'view that only reads': ['GetItem', '0.5 + 0', '1.5 + 0'],
        'view that changes a field': ['GetItem PutItem', '0.5 + 1', '1.5 + 10'],
        'rolling view that only reads': ['GetItem PutItem', '0.5 + 1', '1.5 + 10'],
        'change of a session destroyed meanwhile': ['GetItem PutItem', '0.5 + 1', '1.5 + 10'],
        logout: ['GetItem DeleteItem', '0.5 + 1', '1.5 + 10'],
        'logout without a session': ['DeleteItem', '0 + 1', '0 + 1'],
      },
    },
  },

  async serve(t, store, { rolling = false, data, pause }) {
    const app = await serveFor(t, version, { store, rolling, maxAge: 60 * MINUTE }, async (ctx) => {
      await pause(ctx.path);
      if (ctx.path === '/sign-in') Object.assign(ctx.session, { user: 'Ada', views: 1, ...data });
      if (ctx.path === '/change') ctx.session.views += 1;
      if (ctx.path.startsWith('/set/')) ctx.session[ctx.path.slice(5)] = 1;
      if (ctx.path === '/sign-out') ctx.session = null;
    });
    return { visitor: new Visitor(app.url), errors: app.errors };
  },

  idOf: (visitor) => visitor.sessionId,
}));
