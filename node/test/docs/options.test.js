'use strict';

// docs/options.md tells the truth. Its tables are generated; see the test that compares them in ../unit.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { OPTIONS } = require('../../lib/layouts');
const { IGNORED, WARNED } = require('../../lib/options/dynamo-rare');
const { documented } = require('../../scripts/options');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { codeIn, read, unquoted } = require('./markdown');
const checksOf = require('./page');
const warningsOf = require('./warnings');

const page = checksOf('docs/options.md');

const engine = useEngine();
const recorder = useRecorder(engine);
before(() => recorder.started);

describe('options', () => {
  const options = page.rows('Options', 'option').map(([name, value]) => [unquoted(name), unquoted(value)]);
  const defaults = Object.fromEntries(options);

  it('are those of the option table', () => {
    const paths = documented().map(({ path }) => path).filter((path) => !path.startsWith('dynamoConfig.'));
    assert.deepEqual(Object.keys(defaults), [...paths, 'dynamoConfig']);
  });

  it('are all accepted, unlike others', async (t) => {
    const seen = warningsOf(t);
    for (const [option] of options) {
      const [name, member] = option.split('.');
      const warned = (await seen()).length;
      // A value of no type any option has: an option that exists refuses it.
      const value = Symbol('none');
      const given = member ? { [name]: { [member]: value } } : { [name]: value };
      const Store = Object.hasOwn(OPTIONS, option) ? ExpressStore : DynamoDBStore;
      assert.throws(() => new Store(given), TypeError, option);
      assert.equal((await seen()).length, warned, option);
    }
    assert.ok(new DynamoDBStore({ [unique('option')]: 1 }));
    assert.equal((await seen()).length, 1);
  });

  it('have the defaults it says', async () => {
    const store = new DynamoDBStore();
    const properties = {
      name: 'tableName', hashKey: 'hashKey', ttlKey: 'ttlKey', useTtlExpired: 'useTtlExpired', autoCreate: 'autoCreateTable', readCapacityUnits: 'readCapacityUnits', writeCapacityUnits: 'writeCapacityUnits',
    };
    Object.entries(properties).forEach(([option, property]) => {
      assert.equal(defaults[`table.${option}`], String(store[property]), option);
    });
    const ttl = store.getExpirationDate() - Date.now();
    assert.ok(Math.abs(ttl - Number(defaults.sessionTtl)) < 2000, `${ttl}`);
    assert.equal(defaults.sessionTtl, String(24 * 60 * 60 * 1000));

    const name = unique('defaults');
    const made = new DynamoDBStore(local(recorder.endpoint, name));
    recorder.reset();
    await made.createTableIfDontExists();
    const { TableName, ...creation } = recorder.only('CreateTable')[0].body;
    assert.deepEqual(creation, {
      KeySchema: [{ AttributeName: defaults['table.hashKey'], KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: defaults['table.hashKey'], AttributeType: 'S' }],
      BillingMode: defaults['table.billingMode'],
      ProvisionedThroughput: {
        ReadCapacityUnits: Number(defaults['table.readCapacityUnits']),
        WriteCapacityUnits: Number(defaults['table.writeCapacityUnits']),
      },
    });
    await made.set('x', { a: 1 });
    await made.get('x');
    assert.equal(String(recorder.only('GetItem')[0].body.ConsistentRead), defaults.consistentRead);
    assert.ok(await rawTable(engine.endpoint, name).get('x'), 'no prefix');
  });
});

describe('dynamoConfig', () => {
  const options = page.rows('dynamoConfig', 'option').map(([name, value]) => [unquoted(name), unquoted(value)]);
  const section = page.section('dynamoConfig');
  const item = (title) => /\*\*.*?(?=\n- \*\*|\n\n)/s.exec(section.slice(section.indexOf(`**${title}`)))[0];

  it('names every option of the table, and no other', () => {
    const paths = documented().map(({ path }) => path).filter((path) => path.startsWith('dynamoConfig.'));
    assert.deepEqual(options.map(([name]) => `dynamoConfig.${name}`), paths);
    Object.entries(WARNED).forEach(([name, [value]]) => assert.ok(item('Warned').includes(`\`${name}: ${value}\``), name));
    assert.deepEqual(codeIn(item('Ignored')), IGNORED);
  });

  it('honoured and ignored: no warning; warned about: one; refused: a RangeError', async (t) => {
    const seen = warningsOf(t);
    codeIn(item('Ignored')).forEach((name) => new DynamoDBStore({ dynamoConfig: { [name]: true } }));
    assert.deepEqual(await seen(), []);
    const warned = codeIn(item('Warned')).filter((code) => /: (true|false)$/.test(code));
    warned.forEach((code) => {
      const [name, value] = code.split(': ');
      new DynamoDBStore({ dynamoConfig: { [name]: value === 'true' } }); // eslint-disable-line no-new
    });
    assert.equal((await seen()).length, warned.length);
    for (const dynamoConfig of [{ params: { Nothing: 1 } }, { nothing: 1 }, { endpoint: 'http://db.example' }, { httpOptions: { agent: { own: 1 } } }]) {
      const count = (await seen()).length;
      assert.ok(new DynamoDBStore({ dynamoConfig }));
      assert.equal((await seen()).length, count + 1, JSON.stringify(dynamoConfig));
    }
    for (const dynamoConfig of [
      { retryDelayOptions: { customBackoff() {} } },
      { signatureVersion: 'v2' },
      { httpOptions: { agent: { options: { rejectUnauthorized: false } } } },
      { httpOptions: { agent: { options: { cert: 'x' } } } },
    ]) assert.throws(() => new DynamoDBStore({ dynamoConfig }), RangeError);
  });

  it('fips and dual-stack exclude an endpoint', () => {
    for (const name of ['useFipsEndpoint', 'useDualstackEndpoint', 'useDualstack']) {
      assert.throws(() => new DynamoDBStore({ dynamoConfig: { region: 'us-east-1', endpoint: 'https://db.example', [name]: true } }), name);
    }
  });

  it('has the limits of the core', () => {
    const config = read('crates/dynamodb-session/src/client/config.rs');
    const retry = read('crates/dynamodb-session/src/client/retry.rs');
    const defaults = Object.fromEntries(options);
    const find = (text, pattern) => Number(pattern.exec(text)[1]);
    const connect = find(config, /connect_timeout: Duration::from_secs\((\d+)\)/);
    const firstByte = find(config, /first_byte_timeout: Duration::from_secs\((\d+)\)/);
    const attempts = find(retry, /max_attempts: (\d+),/);
    const base = find(retry, /base: Duration::from_millis\((\d+)\)/);
    const longest = find(retry, /max_backoff: Duration::from_secs\((\d+)\)/);
    const deadline = find(retry, /deadline: Duration::from_secs\((\d+)\)/);
    assert.equal(find(retry, /THROTTLED_FACTOR: u32 = (\d+)/), 4);
    assert.equal(defaults['httpOptions.connectTimeout'], String(connect * 1000));
    assert.equal(defaults['httpOptions.timeout'], String(firstByte * 1000));
    assert.equal(defaults.maxRetries, String(attempts - 1));
    assert.equal(defaults['retryDelayOptions.base'], String(base));
    const prose = page.section('Timeouts and retries').replaceAll('\n', ' ');
    assert.ok(prose.includes(`up to ${attempts} attempts: ${connect} s to connect, ${firstByte} s to the first byte of the answer, ${deadline} s in all`));
    assert.ok(prose.includes(`(${base} ms at most at first, doubling up to ${longest} s; four times as long after throttling)`));
  });
});

page.complete();
