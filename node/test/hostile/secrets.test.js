'use strict';

// A process in which every secret contains a mark: credentials, a proxy's password, ids, data, and the errors of other
// programs. It calls everything that a store can do, with success and with failure, and prints every result. The output
// must not contain the mark. Nor may it contain the hash of an id, which is the key of a session.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const { after, before, it } = require('node:test');
const { useEngine } = require('../support/engine');
const hashedKey = require('../support/hashed-key');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');

const MARK = 'CANARY';
// The mark itself, as base64 at every offset, and as hex.
const MARKS = /CANARY|Q0FOQVJZ|NBTkFSW|DQU5BUl|43414e415259/i;
// The key of any session whose id is hashed, and the hash of each id below in the forms that programs print.
const IDS = ['1', '2', '4', '5', '6', '9', 'RAW'].map((part) => `${MARK}ID${part}`);
const hashesOf = (id) => {
  const hash = Buffer.from(hashedKey(id).slice('h1.'.length), 'base64url');
  return ['hex', 'base64', 'base64url'].map((form) => hash.toString(form).slice(0, 20));
};
const HASHES = [/h1\.[\w-]{12}/, ...IDS.flatMap(hashesOf)];
const hasHash = (line) => HASHES.some((hash) => (typeof hash === 'string' ? line.includes(hash) : hash.test(line)));
const SECRETS = { accessKeyId: `${MARK}KEY`, secretAccessKey: `${MARK}SECRET`, sessionToken: `${MARK}TOKEN` };

const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('secrets');
let refusing;
let home;

before(async () => {
  await recorder.started;
  await rawTable(engine.endpoint, NAME).create();
  // A proxy whose answer repeats the request.
  refusing = http.createServer().on('connect', (request, socket) => {
    const received = JSON.stringify(request.headers);
    socket.end(`HTTP/1.1 407 ${MARK} told\r\nContent-Length: ${received.length}\r\nX-Received: ${MARK}\r\n\r\n${received}`);
  }).on('request', (request, response) => {
    response.writeHead(407, { 'x-received': MARK }).end(JSON.stringify(request.headers));
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'secrets-'));
  const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = SECRETS;
  fs.writeFileSync(path.join(home, 'half.json'), JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey }).slice(0, -1));
  fs.writeFileSync(path.join(home, 'config'), [
    '[profile half]', 'region = eu-west-1', `credential_process = cat ${path.join(home, 'half.json')}`,
    '[profile broken]', `aws_secret_access_key = ${MARK}SECRET`, `sso_start_url = https://${MARK}.example`, '',
  ].join('\n'));
});
after(() => {
  refusing.close();
  refusing.closeAllConnections();
  fs.rmSync(home, { recursive: true });
});

// What runs in the process. It ends with how much it has printed of what.
/* eslint-disable global-require, no-shadow, import/no-unresolved */
const everything = async (Store, {
  name, endpoint, proxy, secrets, mark, hashIds,
}) => {
  const http = require('node:http');
  const { inspect } = require('node:util');
  const Koa = require('koa');
  const { createSession } = require('koa-session');
  const ExpressStore = require('koa-session-dynamodb-store/express');
  const printed = {};
  const show = (what, value) => {
    printed[what] = (printed[what] || 0) + 1;
    console.log(what, inspect(value, {
      depth: Infinity, showHidden: true, getters: true, maxStringLength: Infinity, maxArrayLength: Infinity,
    }));
    console.log(`${value} ${JSON.stringify(value)} ${value?.stack} ${value?.message}`);
  };
  const showError = (error) => {
    show(error.code, error);
    for (let { cause } = error; cause; cause = cause.cause) show('cause', cause);
  };

  const base = {
    region: 'eu-west-1', endpoint, maxRetries: 1, retryDelayOptions: { base: 1 },
  };
  const id = (part) => `${mark}ID${part}`;
  const session = () => ({ [`${mark}FIELD`]: `${mark}DATA`, bytes: Buffer.from(`${mark}BYTES`), list: [`${mark}DATA`] });
  const bad = [
    { a: 1n, note: `${mark}DATA` },
    { a: `${mark}DATA`.repeat(50000) },
    { a: [`${mark}DATA`, 1e300] },
    { a: { get b() { throw new Error('of the getter'); } }, note: `${mark}DATA` },
    `${mark}DATA`,
  ];
  const sources = {
    fixed: { ...secrets },
    object: { credentials: secrets },
    provider: { credentials: async () => secrets },
    'through a proxy that refuses': { ...secrets, httpOptions: { proxy } },
    'through a proxy that cannot be reached': { ...secrets, httpOptions: { proxy: `http://${mark}USER:${mark}PASS@127.0.0.1:1` } },
    'to nowhere': { ...secrets, endpoint: 'http://127.0.0.1:1' },
    'over TLS to a server without TLS': { ...secrets, endpoint: endpoint.replace('http:', 'https:') },
    'without credentials': {},
  };
  for (const [source, config] of Object.entries(sources)) {
    const lines = [];
    const logger = { log: (line) => lines.push(line) };
    const store = new Store({ table: { name }, hashIds, dynamoConfig: { ...base, ...config, logger } });
    ['conflict', 'unreadable', 'retry', 'throttled'].forEach((event) => store.on(event, (details) => show(event, details)));
    const ctx = {};
    for (const call of [
      () => store.set(id(1), session(), 60000, { ctx }),
      () => store.get(id(1), 60000, { ctx }),
      () => store.set(id(1), { ...session(), more: 1 }, 60000, { ctx }),
      () => store.set(id(9), { unguarded: `${mark}DATA` }, 60000),
      ...bad.map((data) => () => store.set(id(2), data, 60000, { ctx })),
      () => store.set(`${id(3)}\ud800`, {}, 60000, { ctx }),
      () => store.set(id(4), {}, `${mark}AGE`, { ctx }),
      () => store.destroy(id(1), { ctx: {} }),
      () => store.set(id(1), { ...session(), more: 2 }, 60000, { ctx }),
      () => store.get(id('RAW')),
      () => store.isTableCreated(),
    ]) await call().catch(showError);
    show('stats', store.stats());
    show('store', store);
    show('log', lines);
    await store.close();

    // An app that leaves its errors to Koa, which prints them.
    const app = new Koa();
    app.use(createSession({ store, signed: false, key: 'k' }, app));
    app.use((context) => { context.session.note = `${mark}DATA`; });
    const server = http.createServer(app.callback()).listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    for (const cookie of [`k=${id(5)}`, `k=${id('RAW')}`]) {
      const { status, headers } = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { cookie } });
      show('answer', { status, type: headers.get('content-type') });
    }
    server.closeAllConnections();
    server.close();
    console.log(`--- ${source}`);
  }

  // The reason of the application's own provider is the cause, and nowhere else.
  const reason = new Error(`${mark}REASON`);
  const credentials = async () => { throw reason; };
  const failing = new Store({ table: { name }, hashIds, dynamoConfig: { ...base, credentials } });
  for (const call of [() => failing.get(id(1)), () => failing.set(id(1), session(), 60000, { ctx: {} })]) {
    const error = await call().catch((err) => err);
    let deepest = error;
    while (deepest.cause && deepest.cause !== reason) deepest = deepest.cause;
    if (deepest.cause !== reason) throw new Error('the reason is lost');
    deepest.cause = undefined;
    show('CredentialsError of a provider', error);
  }

  for (const profile of ['half', 'broken', 'missing']) {
    process.env.AWS_PROFILE = profile;
    const store = new Store({ table: { name }, hashIds, dynamoConfig: { ...base, customUserAgent: profile } });
    await store.get(id(1)).catch(showError);
    show('store of a profile', store);
  }
  delete process.env.AWS_PROFILE;

  const express = new ExpressStore({ table: { name }, hashIds, dynamoConfig: { ...base, ...secrets } });
  express.on('unreadable', (details) => show('unreadable', details));
  const cookie = { originalMaxAge: null, path: '/' };
  await express.set(id(6), { cookie, note: `${mark}DATA` }).catch(showError);
  await express.set(id(6), { note: `${mark}DATA` }).catch(showError);
  await express.set(id(6), { cookie, note: 1n, more: `${mark}DATA` }).catch(showError);
  const listed = await express.all().catch(showError) ?? [];
  listed.forEach((session) => show('ref', express.refOf(session)));
  await express.destroy({ ...listed[0] }).catch(showError);
  await express.destroy(listed[0] ?? id(6)).catch(showError);
  await express.destroy(id(6)).catch(showError);
  show('express', express);
  for (const wrong of [
    { dynamoConfig: { ...secrets, endpoint: `http://${mark}USER:${mark}PASS@example.com` } },
    { dynamoConfig: { ...secrets, httpOptions: { proxy: `socks://${mark}USER:${mark}PASS@example.com` } } },
    { dynamoConfig: { secretAccessKey: { secret: `${mark}SECRET` } } },
    { dynamoConfig: { credentials: `${mark}SECRET` } },
  ]) {
    try {
      show('made', new Store({ table: { name }, ...wrong }));
    } catch (error) {
      show('wrong option', error);
    }
  }
  await new Promise((resolve) => { setImmediate(resolve); });
  console.log(`THE END ${JSON.stringify(printed)}`);
};

const run = async (env, hashIds) => {
  const proxy = `http://${MARK}USER:${MARK}PASS@127.0.0.1:${refusing.address().port}`;
  const args = [{
    name: NAME, endpoint: recorder.endpoint, proxy, secrets: SECRETS, mark: MARK, hashIds,
  }];
  const files = { AWS_CONFIG_FILE: path.join(home, 'config'), AWS_SHARED_CREDENTIALS_FILE: path.join(home, 'missing') };
  const end = await runScript(everything, args, { env: { ...files, ...env }, ms: 120000 });
  const output = end.stdout + end.stderr;
  assert.equal(end.code, 0, output.slice(-2000));
  const lines = output.split('\n').filter((line) => MARKS.test(line) || hasHash(line));
  assert.deepEqual(lines, []);
  return { output, printed: JSON.parse(/^THE END (.*)$/m.exec(output)[1]) };
};

const DEBUG = { DYNAMODB_STORE_DEBUG: '1', RUST_BACKTRACE: 'full', RUST_LOG: 'trace' };

[false, 'on', 'only'].forEach((hashIds) => it(`when requests succeed, hashIds: ${hashIds}`, async () => {
  recorder.reset();
  // An item of another program, which is not a session.
  const id = `${MARK}IDRAW`;
  const key = hashIds ? hashedKey(id) : id;
  await rawTable(engine.endpoint, NAME).put({ sessionId: { S: key }, session: { S: `${MARK}DATA` } });
  const { output, printed } = await run(DEBUG, hashIds);
  assert.match(output, /DYNAMODB_STORE: Initializing store/);
  ['conflict', 'unreadable', 'stats', 'store', 'log', 'answer', 'express', 'ref', 'wrong option', 'cause', 'InvalidSessionError', 'ItemTooLargeError',
    'InvalidIdError', 'InvalidMaxAgeError', 'CredentialsError', 'CredentialsError of a provider', 'NetworkingError'].forEach((what) => {
    assert.ok(printed[what] > 0, `${what}: ${JSON.stringify(printed)}`);
  });
  // Without one, no hash of an id was at hand that could be printed.
  const items = await rawTable(engine.endpoint, NAME).scan();
  assert.equal(items.some(({ sessionId, gone }) => gone && sessionId.S === hashedKey(`${MARK}ID1`)), hashIds !== false);
}));

// The error text of the service may quote the request, so it is not shown. It is only shown for calls about the table,
// refused credentials, missing permissions and throttling, where it quotes nothing.
const quoting = `the item {"note":{"S":"${MARK}DATA"}} of ${MARK}ID1 under ${hashedKey(`${MARK}ID1`)}, signed by ${MARK}KEY with ${MARK}TOKEN`;
const ANSWERS = {
  ValidationException: failure('ValidationException', quoting),
  SerializationException: failure('SerializationException', quoting),
  TransactionConflictException: failure('TransactionConflictException', quoting),
  InvalidSignatureException: failure('InvalidSignatureException', quoting),
  SomethingNew: failure('SomethingNew', quoting),
  'a web page': { status: 503, headers: { 'content-type': 'text/html', 'x-amzn-requestid': 'R1' }, body: Buffer.from(`<p>${quoting}`) },
  'no answer of DynamoDB': { status: 200, body: Buffer.from(`{"Item":{"session":{"M":{"note":{"N":"${MARK}DATA"}}}}}`) },
};
[false, 'only'].forEach((hashIds) => it(`when the service quotes secrets in its answers, hashIds: ${hashIds}`, async () => {
  recorder.reset();
  const answers = Object.values(ANSWERS);
  let count = 0;
  // Each answer a few times in a row, because some requests are retried. Reads begin with what only they take for an
  // error.
  const answering = (given) => {
    let own = 0;
    return () => {
      count += 1;
      own += 1;
      return given[Math.floor(own / 3) % given.length];
    };
  };
  recorder.answer('GetItem', answering(answers.toReversed()));
  const other = answering(answers);
  ['PutItem', 'UpdateItem', 'DeleteItem', 'Scan'].forEach((operation) => recorder.answer(operation, other));
  const { printed } = await run(DEBUG, hashIds);
  recorder.reset();
  assert.ok(count > 5 * answers.length, `${count} answers`);
  const { 'a web page': page, 'no answer of DynamoDB': unreadable, ...named } = ANSWERS;
  [...Object.keys(named), 'ServiceError', 'UnreadableAnswerError'].forEach((code) => {
    assert.ok(printed[code] > 0, `${code}: ${JSON.stringify(printed)}`);
  });
}));
