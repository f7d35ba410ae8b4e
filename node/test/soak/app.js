'use strict';

// The Koa app of the soak, in a process of its own. It serves two apps, one with a store for all requests and one with
// a store for each request. It reports to its parent, and ends by itself after a message to stop.

const { once } = require('node:events');
const http = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');
const Koa = require('koa');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { VERSIONS } = require('../support/koa');
const Random = require('./random');
const { Vitals } = require('../support/vitals');

// The client does not use credentials in their last 10 seconds. So these are used for 4 seconds.
const CREDENTIALS_MS = 14000;

const [endpoint, table, seed, sampleMs] = process.argv.slice(2);
const random = new Random(Number(seed));
const counts = { credentials: 0, refusals: 0 };
const errors = {};
const vitals = new Vitals();
let refuses = true;

// New credentials at each call. Sometimes they come late, and sometimes the call fails.
const credentials = async () => {
  await delay(random.chance(0.2) ? random.below(300) : 0);
  if (refuses && random.chance(0.05)) {
    counts.refusals += 1;
    throw new Error('the provider has none just now');
  }
  counts.credentials += 1;
  const expiration = new Date(Date.now() + CREDENTIALS_MS);
  return {
    accessKeyId: `SOAK${expiration.getTime()}`, secretAccessKey: 'of the soak', sessionToken: 'of the soak', expiration,
  };
};

const options = { table: { name: table }, dynamoConfig: { region: 'eu-central-1', endpoint, credentials } };

class ContextStore extends DynamoDBStore {
  constructor() {
    super(options);
  }
}

// The pages. A session holds the number of its requests, and ballast of changing size.
const pages = {
  '/count': (ctx) => {
    ctx.session.views = (ctx.session.views ?? 0) + 1;
    ctx.session.ballast = 'x'.repeat(Number(ctx.query.bytes));
    return { views: ctx.session.views };
  },
  '/peek': (ctx) => ({ views: ctx.session.views ?? null }),
  // Keeps the loaded session for a while, and then changes it.
  '/dawdle': async (ctx) => {
    const { views } = ctx.session;
    await delay(Number(ctx.query.ms));
    if (views) ctx.session.late = true;
    return { views: views ?? null };
  },
  '/logout': (ctx) => {
    ctx.session = null;
    return {};
  },
};

const serve = async ({ koaSession }, sessionOptions) => {
  const app = new Koa();
  app.keys = ['a key of the soak'];
  app.on('error', (err) => { errors[err.code ?? err.name] = (errors[err.code ?? err.name] ?? 0) + 1; });
  app.use(koaSession({ rolling: true, ...sessionOptions }, app));
  app.use(async (ctx) => {
    ctx.body = await pages[ctx.path](ctx);
  });
  const server = http.createServer(app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const main = async () => {
  const store = new DynamoDBStore(options);
  const servers = [await serve(VERSIONS[0], { store }), await serve(VERSIONS[1], { ContextStore })];
  const report = () => process.send({
    sample: vitals.sample(), counts, errors, stats: store.stats(),
  });
  const sampling = setInterval(report, Number(sampleMs));
  process.send({ urls: servers.map((server) => `http://127.0.0.1:${server.address().port}`) });

  await once(process, 'message'); // from now on the provider never fails
  refuses = false;
  await once(process, 'message');
  // The process ends after this. Anything that keeps it alive is a leak.
  clearInterval(sampling);
  report();
  servers.forEach((server) => {
    server.close();
    server.closeAllConnections();
  });
  await store.close();
  vitals.stop();
  process.disconnect();
};

main();
