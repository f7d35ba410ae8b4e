'use strict';

/* eslint-disable no-console -- a program: the console is where it talks */

// Reads the configuration from the environment (README.md lists it), listens, and stops.

const http = require('http');
const path = require('path');
const DynamoDBStore = require('koa-session-dynamodb-store');
const createApp = require('./app');
const atRest = require('./at-rest');
const deviceLabel = require('./device');
const itemReader = require('./item');
const { encryptionKeys, signingKeys } = require('./keys');

const MAX_AGE = 24 * 60 * 60 * 1000; // milliseconds
const STOP_MS = 5000;

const dataDir = (env) => path.resolve(env.DEMO_DATA || path.join(__dirname, '.demo'));

// Listens on the port, or on any free port if it is taken.
const listen = (server, port, host) => new Promise((resolve, reject) => {
  server.once('error', (err) => {
    if (err.code !== 'EADDRINUSE' || port === 0) reject(err);
    else {
      console.log(`Port ${port} is taken; choosing another.`);
      resolve(listen(server, 0, host));
    }
  });
  server.listen(port, host, resolve);
});

// Waits for open requests, but not for long.
const close = (server) => new Promise((resolve) => {
  server.close(resolve);
  setTimeout(() => server.closeAllConnections(), STOP_MS).unref();
});

async function start(env = process.env) {
  const endpoint = env.DYNAMODB_ENDPOINT;
  const local = { accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' };
  const region = endpoint ? 'local' : env.AWS_REGION || env.AWS_DEFAULT_REGION;

  const keys = signingKeys(dataDir(env), env.KEYS);
  const options = {
    table: { name: env.SESSIONS_TABLE || 'sessions', autoCreate: true, billingMode: 'PAY_PER_REQUEST' },
    hashIds: 'only', // nothing in the table opens a session
    encryption: { keys: encryptionKeys(dataDir(env), env.ENCRYPTION_KEYS) },
    // Whose session it is, and the name of the device: so that visitors see where they are signed in.
    users: {
      of: (session) => session.user,
      label: (session, ctx) => deviceLabel(ctx.get('User-Agent')),
    },
    // Without dynamoConfig the store finds Region and credentials as every AWS program does.
    ...(endpoint && { dynamoConfig: { region, endpoint, ...local } }),
  };
  const store = new DynamoDBStore(options);
  // For the demo only: it opens encrypted sessions as well, and writes plain ones.
  const plain = new DynamoDBStore({ ...options, encryption: { ...options.encryption, mode: 'read' } });
  await Promise.all([store.ready, plain.ready]); // the table exists

  const credentials = endpoint ? local : {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  };
  const log = console.error;
  const app = createApp({
    store: atRest.byChoice({ encrypted: store, plain }),
    keys,
    maxAge: MAX_AGE,
    proxy: env.TRUST_PROXY === '1',
    log,
    describe: itemReader({
      store, region, endpoint, credentials, log,
    }),
  });

  const host = env.HOST || '127.0.0.1';
  const server = http.createServer(app.callback());
  await listen(server, Number(env.PORT || 3000), host);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${server.address().port}`,
    where: `table ${store.tableName} ${endpoint ? `at ${endpoint}` : `in ${region}`}`,
    stop: async () => {
      await close(server);
      await Promise.all([store.close(), plain.close()]);
    },
  };
}

// Runs `main` as a program. `main` returns the function to call at Ctrl-C. A second Ctrl-C exits at
// once.
async function run(main) {
  const began = main();
  let stopping = false;
  const stop = async () => {
    if (stopping) process.exit(1);
    stopping = true;
    const end = await began.catch(() => process.exit(0)); // stopped during the start
    try {
      await end();
      process.exit(0);
    } catch (err) {
      console.error(err.message);
      process.exit(1);
    }
  };
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => process.on(signal, stop));
  try {
    await began;
  } catch (err) {
    if (stopping) return;
    console.error(`The demo could not start: ${err.message}${err.hint ? `\n${err.hint}` : ''}`);
    process.exit(1);
  }
}

module.exports = { start, run, dataDir };

if (require.main === module) {
  run(async () => {
    const app = await start();
    console.log(`Sessions live in ${app.where}\nOpen ${app.url}`);
    return app.stop;
  });
}
