'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { before, describe, it } = require('node:test');
const ExpressStore = require('koa-session-dynamodb-store/express');
const vectors = require('../../../crates/dynamodb-session/tests/fixtures/envelopes.json');
const { STORE } = require('../../lib/options/table');
const { useEngine } = require('../support/engine');
const openEnvelope = require('../support/envelope');
const { startFaultServer } = require('../support/faults');
const hashedKey = require('../support/hashed-key');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { cleanEnv, start } = require('../support/subprocess');
const use = require('../support/use');
const { environment, project } = require('./app');
const { builds, isExample } = require('./commands');
const { codeIn, read } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
// Its imitation of KMS has `alias/sessions`.
const faults = use(startFaultServer);
before(() => Promise.all([engine.started, faults.started]));
const page = checksOf('docs/at-rest.md');

// ../cost counts what they cost.
page.rows('What it costs', 'call');

const KEY = Buffer.alloc(32, 7);
const OTHER = Buffer.alloc(32, 8);
const CLASSES = ['koa-session-dynamodb-store', 'koa-session-dynamodb-store/express'];

// What is around a snippet that makes a `store`. It stores a session, and prints what it reads back.
const appOf = (snippet, name, id) => `
const DynamoDBStore = require('${name}');
const readSecret = async (secret) => process.env[secret];
${snippet}
const { promisify } = require('node:util');
const isExpress = ${name.endsWith('express')};
const request = [undefined, { ctx: {} }]; // as koa-session calls
const call = (method, ...args) => (isExpress ? promisify(store[method]).apply(store, args) : store[method](...args));
const main = async () => {
  await store.createTableIfDontExists();
  await call('set', '${id}', { user: 'Ada', cart: 'tea '.repeat(1000), cookie: {} }, ...(isExpress ? [] : request));
  const { user, cart } = await call('get', '${id}', ...(isExpress ? [] : request));
  console.log(JSON.stringify({ user, length: cart.length }));
  await store.close();
};
main();
`;

const play = async (t, { text }, name, id) => {
  const dir = project(t);
  const ca = path.join(dir, 'ca.pem');
  fs.writeFileSync(ca, faults.ca);
  fs.writeFileSync(path.join(dir, 'app.js'), appOf(text, name, id));
  const app = start(process.execPath, ['app.js'], {
    cwd: dir,
    env: cleanEnv({
      ...environment(engine),
      AWS_REGION: 'eu-central-1', // the one that KMS is imitated in
      AWS_ACCESS_KEY_ID: 'KEY',
      AWS_SECRET_ACCESS_KEY: faults.secret,
      AWS_ENDPOINT_URL_KMS: faults.urls.https,
      AWS_CA_BUNDLE: ca,
      SESSION_ENCRYPTION_KEY: KEY.toString('base64'),
      'session-keys': JSON.stringify([{ id: 'new', key: OTHER.toString('base64') }]),
    }),
  });
  t.after(app.stop);
  const { code, stdout, stderr } = await app.ended;
  assert.deepEqual([code, stderr, stdout], [0, '', '{"user":"Ada","length":4000}\n']);
};

// What each snippet is about must be seen in the table: the flags of the envelope are those of the options, and the
// session is encrypted with the key of the snippet.
const hasSealed = async (text, id) => {
  const table = rawTable(engine.endpoint, 'sessions');
  const item = await table.get(id);
  assert.doesNotMatch(JSON.stringify(item), /"Ada"|tea tea/);
  const envelope = Buffer.from(item.sealed.B, 'base64');
  const flags = { compress: 1, keys: 2, pad: 4 };
  const expected = Object.keys(flags).filter((option) => text.includes(`${option}: `));
  assert.equal(envelope[1], expected.reduce((sum, option) => sum + flags[option], 0));
  if (text.includes('kms:')) {
    const keyId = envelope.subarray(2, 6).toString('latin1').replace(/\0+$/, '');
    const dataKey = await table.get(`k2.${keyId}`);
    assert.deepEqual(Object.keys(dataKey).sort(), ['arn', 'sessionId', 'wrapped']);
    assert.ok(dataKey.wrapped.B && dataKey.arn.S.startsWith('arn:aws:kms:eu-central-1:'));
    return;
  }
  const place = {
    context: text.includes('context:') ? 'shop' : '',
    storedKey: id,
    created: item.created.N,
    rev: Buffer.from(item.rev.B, 'base64'),
  };
  const data = JSON.parse(openEnvelope(envelope, { 2026: KEY, new: OTHER }, place));
  assert.equal(data.M.user.S, 'Ada');
};

page.snippet('node', async (t, snippet) => {
  for (const name of CLASSES) {
    const id = `${path.basename(name)}-${snippet.line}`;
    await play(t, snippet, name, id);
    await hasSealed(snippet.text, id);
  }
});

page.snippet('hashed', async (t, snippet) => {
  const table = rawTable(engine.endpoint, 'sessions');
  for (const name of CLASSES) {
    const id = `${path.basename(name)}-hashed`;
    await play(t, snippet, name, id);
    assert.equal(await table.get(id), undefined);
    assert.equal((await table.get(hashedKey(id))).session.M.user.S, 'Ada');
  }
});

page.snippet('hash', async (t, { text }) => {
  const { keyOf, refOf } = vm.runInNewContext(`(() => {${text}; return { keyOf, refOf }; })()`, { require });
  for (const prefix of [undefined, 'shop:']) {
    const store = new ExpressStore(local(engine.endpoint, 'hashes', { prefix, hashIds: 'only' }));
    await store.createTableIfDontExists();
    const id = `d\u00e9j\u00e0-${prefix}`;
    await store.set(id, { cookie: {} });
    const key = keyOf(id, prefix);
    assert.ok(await rawTable(engine.endpoint, 'hashes').get(key));
    assert.equal(key.length, 46 + (prefix ?? '').length);
    const [session] = await store.all();
    assert.equal(store.refOf(session), refOf(key));
    await store.clear({ tombstones: true });
  }
});

page.snippet('example', async (t, snippet) => {
  const printed = await builds(isExample(snippet), { ...environment(engine), SESSION_ENCRYPTION_KEY: KEY.toString('base64') });
  assert.equal(printed, '"Ada"\n');
});

it('somebody who has this can do that: each cell says something', () => {
  const rows = page.rows('What it protects', 'somebody');
  assert.ok(rows.length > 6);
  rows.forEach((cells) => assert.ok(cells.length === 4 && cells.every(Boolean), cells[0]));
});

it('somebody who has this can do that, with ids in the table and with hashed ones', () => {
  const rows = page.rows('Hashed ids', 'somebody');
  assert.ok(rows.length > 4);
  rows.forEach((cells) => assert.ok(cells.length === 3 && cells.every(Boolean), cells[0]));
});

it('the modes of hashed ids are those of the option, and use the keys that the table says', async () => {
  const rows = page.rows('The modes', '`hashIds`');
  const modes = rows.map(([mode]) => codeIn(mode)[0]);
  assert.deepEqual(modes, STORE.hashIds.type.map((mode) => (mode ? `'${mode}'` : 'false')));
  const name = unique('modes');
  const table = rawTable(engine.endpoint, name);
  await table.create();
  for (const [index, [, stored, found]] of rows.entries()) {
    const store = new ExpressStore(local(engine.endpoint, name, { hashIds: STORE.hashIds.type[index] }));
    const id = unique('id');
    await store.set(id, { cookie: {} });
    const keys = { id, hash: hashedKey(id) };
    const item = await table.get(keys[stored.replace('the ', '')]);
    assert.ok(item, stored);
    for (const [word, key] of Object.entries(keys)) {
      await table.delete(keys.id);
      await table.delete(keys.hash);
      await table.put({ ...item, sessionId: { S: key } });
      assert.equal(await store.get(id) !== undefined, found.includes(`its ${word}`), `${modes[index]}: ${word}`);
    }
  }
});

it('the modes are those of the core, in the order of a roll-out', () => {
  const source = read('crates/dynamodb-session/src/options/encryption.rs');
  const known = [...source.matchAll(/"(\w+)" => Ok\(Self::/g)].map(([, name]) => name);
  const rows = page.rows('Roll-out', 'step');
  assert.deepEqual(rows.map(([, mode]) => codeIn(mode)[0]), known);
  assert.deepEqual(rows.map(([, , opens]) => opens), ['yes', 'yes', 'yes']);
  assert.deepEqual(rows.map(([, , , accepts]) => accepts.startsWith('yes')), [true, true, false]);
  assert.deepEqual(rows.map((cells) => cells[4]), ['plain', 'encrypted', 'encrypted']);
});

it('what KMS is asked, and how long a data key is used, is that of the core', () => {
  const source = read('crates/dynamodb-session/src/seal/data_keys.rs');
  const constants = Object.fromEntries([...source.matchAll(/^const (\w+): Duration = Duration::from_(.*);$/gm)]
    .map(([, name, value]) => [name, value]));
  const {
    PERIOD, RENEWAL, OUTAGE, PAUSE, SHORT_PAUSE,
  } = constants;
  assert.deepEqual([PERIOD, RENEWAL, OUTAGE, PAUSE, SHORT_PAUSE], ['hours(30 * 24)', 'hours(1)', 'hours(24)', 'secs(10)', 'secs(1)']);
  const text = ['Keys from AWS KMS', 'When KMS is asked', 'If KMS fails'].map(page.section).join('').replaceAll(/\s+/g, ' ');
  ['a new one every 30 days', 'Then once an hour', 'in use for 24 hours', 'asked again after ten seconds', 'again after a second']
    .forEach((time) => assert.ok(text.includes(time), time));
});

describe('the format', () => {
  it('the attributes are those of the core', () => {
    const source = read('crates/dynamodb-session/src/item/attributes.rs');
    const names = [...source.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    page.column('The format', 'attribute').forEach((name) => assert.ok(names.includes(name), name));
  });

  const rows = page.rows('The format', 'bytes');
  vectors.forEach(({ name, keyId, envelope }) => it(`the parts of an envelope: ${name}`, () => {
    const bytes = Buffer.from(envelope, 'base64');
    const parts = rows.filter(([, , when]) => when === 'always' || keyId);
    const fixed = parts.map(([size]) => (size === 'any' ? 0 : Number(size)));
    const payload = bytes.length - fixed.reduce((sum, size) => sum + size, 0);
    assert.ok(payload > 0);
    assert.equal(bytes[0], 1);
    // The flags are named in their order.
    const flags = [...rows[1][1].matchAll(/(\d) (\w+)/g)];
    const expected = flags.filter(([, , flag]) => (flag === 'encrypted' ? keyId : name.includes(flag)));
    assert.equal(bytes[1], expected.reduce((sum, [, value]) => sum + Number(value), 0));
    if (keyId) {
      assert.equal(bytes.subarray(2, 6).toString('latin1').replace(/\0+$/, ''), keyId);
      const header = fixed.slice(0, 5).reduce((sum, size) => sum + size, 0);
      assert.match(page.section('The format'), new RegExp(`payload: ${header}\\s+bytes`));
    }
  }));
});

page.complete();
