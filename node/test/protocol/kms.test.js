'use strict';

// Sessions that are sealed with data keys of AWS KMS. The fault server has the table, and imitates KMS.

const assert = require('node:assert/strict');
const {
  after, before, describe, it,
} = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { startFaultServer } = require('../support/faults');
const { serveFor, VERSIONS } = require('../support/koa');
const { unique } = require('../support/options');
const use = require('../support/use');
const Visitor = require('../support/visitor');

const faults = use(startFaultServer);

const count = (ctx) => {
  ctx.session.views = (ctx.session.views || 0) + 1;
  ctx.session.secret = 'rosebud';
  return { views: ctx.session.views };
};

// The name of the data key of these 30 days.
const dataKey = () => `k2.${Math.floor(Date.now() / (30 * 24 * 60 * 60 * 1000)).toString(36)}`;

describe('sessions sealed by KMS', () => {
  const { AWS_ENDPOINT_URL_KMS } = process.env;
  before(async () => {
    await faults.started;
    // A store copies the environment when it is made.
    process.env.AWS_ENDPOINT_URL_KMS = faults.urls.https;
  });
  after(() => {
    if (AWS_ENDPOINT_URL_KMS === undefined) delete process.env.AWS_ENDPOINT_URL_KMS;
    else process.env.AWS_ENDPOINT_URL_KMS = AWS_ENDPOINT_URL_KMS;
  });

  const newStore = (name, kms = faults.kms[0]) => new DynamoDBStore(faults.options(name, {
    endpoint: 'https', encryption: { keys: { kms } }, sessionTtl: 60000,
  }));
  const asked = async () => (await faults.log()).entries.map(({ operation }) => operation)
    .filter((operation) => ['GenerateDataKey', 'Decrypt'].includes(operation));

  VERSIONS.forEach((version) => {
    it(`${version.name}: two processes share a data key, and a denied one signs nobody out`, async (t) => {
      await faults.pass();
      await faults.log();
      const name = unique('kms');
      const table = faults.table(name);
      const store = newStore(name);
      await store.createTableIfDontExists();
      const app = await serveFor(t, version, { store }, count);
      const visitor = new Visitor(app.url);
      assert.deepEqual((await visitor.get()).body, { views: 1 });
      assert.deepEqual((await visitor.get()).body, { views: 2 });
      assert.deepEqual(await asked(), ['GenerateDataKey']);
      const item = JSON.stringify(await table.get(visitor.sessionId));
      assert.match(item, /"sealed":\{"B"/);
      assert.doesNotMatch(item, /rosebud|views/);
      assert.deepEqual(Object.keys(await table.get(dataKey())).sort(), ['arn', 'sessionId', 'wrapped']);

      await faults.play({ on: { Decrypt: { error: { code: 'AccessDeniedException', message: 'no' } } } });
      const other = await serveFor(t, version, { store: newStore(name) }, count);
      const elsewhere = new Visitor(other.url, Object.fromEntries(visitor.cookies));
      const refused = await elsewhere.get();
      assert.deepEqual([refused.status, refused.setCookies], [500, []]);
      const [error] = other.errors;
      assert.equal(error.message, 'Unable to get session.');
      assert.equal(error.code, 'AccessDeniedException');
      assert.equal(error.operation, 'Decrypt');
      assert.match(error.hint, /kms:Decrypt on the KMS key in encryption\.keys/);
      assert.match(error.cause.message, /kms:Decrypt with the key alias\/sessions .*no$/);
      assert.deepEqual((await visitor.get()).body, { views: 3 }, 'the first process has its key');

      await faults.pass();
      await faults.log();
      const third = await serveFor(t, version, { store: newStore(name) }, count);
      const back = new Visitor(third.url, Object.fromEntries(visitor.cookies));
      assert.deepEqual((await back.get()).body, { views: 4 });
      assert.deepEqual(await asked(), ['Decrypt']);
    });
  });

  it('a KMS key that is not there is an error that says what to do', async () => {
    await faults.pass();
    const name = unique('kms');
    await faults.table(name).create();
    const error = await newStore(name, 'alias/absent').set('id', {}, 60000).catch((err) => err);
    assert.equal(error.code, 'ConfigError');
    assert.equal(error.serviceCode, 'NotFoundException');
    assert.match(error.hint, /^check the KMS key in encryption\.keys/);
  });

  it('an alias that was moved needs the KMS key from before', async () => {
    await faults.pass();
    const name = unique('kms');
    const [alias, another] = faults.kms;
    const before30 = newStore(name, another);
    await before30.createTableIfDontExists();
    await before30.set('id', { a: 1 }, 60000);
    const error = await newStore(name, alias).get('id').catch((err) => err);
    assert.equal(error.serviceCode, 'IncorrectKeyException');
    assert.match(error.hint, /in encryption\.keys too, if it is yours/);
    assert.equal((await newStore(name, [alias, another]).get('id')).a, 1);
  });
});

it('an id that other items of the table begin with is nobody\'s', async () => {
  const name = unique('reserved');
  await faults.pass();
  const store = new DynamoDBStore(faults.options(name));
  await store.createTableIfDontExists();
  for (const id of ['k2.ja', 'h1.', 'u1.x']) {
    assert.equal(await store.get(id), undefined);
    await assert.rejects(store.set(id, { a: 1 }, 60000), { code: 'InvalidIdError', message: /is reserved: it begins with one of h1\., k2\., u1\./ });
    await store.destroy(id);
    assert.equal(await faults.table(name).get(id), undefined);
  }
});

it('what names no KMS key is refused', () => {
  const make = (keys) => () => new DynamoDBStore({ encryption: { keys } });
  for (const kms of ['', [], [''], 7, undefined, ['alias/a', null]]) {
    assert.throws(make({ kms }), { name: 'TypeError', message: /^encryption\.keys\.kms must be the id, the alias/ });
  }
  assert.throws(make({ kms: 'not an alias' }), { name: 'RangeError', message: /^encryption: a KMS key must be named/ });
  assert.throws(make(undefined), /or \{ kms: 'alias\/…' \}/);
});
