'use strict';

// Options that the store does not know: refused where they would decide where data go or who may read them, and
// warned about otherwise, with the whole path. At every level of the option table.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const AWS = require('aws-sdk');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressDynamoDBStore = require('koa-session-dynamodb-store/express');
const { DYNAMO, STORE, TABLE } = require('../../lib/options/table');
const { warningsOf } = require('../support/warnings');

const STORES = [DynamoDBStore, ExpressDynamoDBStore];

const ENCRYPTION_KEYS = { keys: [{ id: 'k1', key: Buffer.alloc(32) }] };
const KEYS = { accessKeyId: 'a', secretAccessKey: 'b' };

/** The paths of all objects that hold options. */
function levels(rows, path) {
  const inside = Object.entries(rows).filter(([, row]) => row.members || row.fields);
  return [path, ...inside.flatMap(([name, { members = {} }]) => levels(members, [...path, name]))];
}

const LEVELS = [...levels(STORE, []), ...levels(TABLE, ['table']), ...levels(DYNAMO, ['dynamoConfig'])];

/** Options with `name` at this level, beside what the level cannot do without. */
function optionsWith(level, name, value) {
  const needed = {
    credentials: KEYS, encryption: ENCRYPTION_KEYS, users: { of: () => undefined },
  }[level.at(-1)] ?? {};
  return level.reduceRight((inner, key) => ({ [key]: inner }), { ...needed, [name]: value });
}

function refusal(Store, options) {
  try {
    new Store(options); // eslint-disable-line no-new
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: 'the options were accepted' });
}

describe('an unknown option', () => {
  it('is looked for at each level', () => {
    const paths = LEVELS.map((level) => level.join('.'));
    assert.deepEqual(paths, ['', 'users', 'encryption', 'table', 'dynamoConfig', 'dynamoConfig.credentials',
      'dynamoConfig.retryDelayOptions', 'dynamoConfig.httpOptions']);
  });

  for (const level of LEVELS) {
    const path = [...level, ''].join('.');

    it(`${path}* causes one warning with its path`, async () => {
      for (const [index, Store] of STORES.entries()) {
        const name = `foo${index}`;
        const warnings = await warningsOf(() => [1, 2].forEach(() => new Store(optionsWith(level, name, 'x'))));
        assert.deepEqual(warnings, [`koa-session-dynamodb-store: the option ${path}${name} is unknown and has no effect`]);
      }
    });

    it(`${path}* without a value is none`, async () => {
      assert.deepEqual(await warningsOf(() => [undefined, null].forEach((value) => {
        new DynamoDBStore(optionsWith(level, 'bar', value)); // eslint-disable-line no-new
        new DynamoDBStore(optionsWith(level, 'client', value)); // eslint-disable-line no-new
      })), []);
    });

    for (const name of ['client', 'AWSConfigJSON', 'AWSRegion', 'tableName', 'hashPrefix', 'endpointUrl', 'AWS_ACCESS_KEY_ID']) {
      it(`${path}${name} is refused`, () => STORES.forEach((Store) => {
        const error = refusal(Store, optionsWith(level, name, 'x'));
        assert.equal(error.constructor, RangeError);
        assert.ok(error.message.startsWith(`${path}${name} is not `), error.message);
      }));
    }
  }

  it('specialKeys is refused where no layout has it: an index over these attributes would miss sessions', () => {
    const error = refusal(DynamoDBStore, { specialKeys: [] });
    assert.equal(error.constructor, RangeError);
    assert.equal(error.message, 'specialKeys is not an option of this store: write attributes');
  });

  const decisive = (rows, path) => Object.entries(rows).flatMap(([name, row]) => [
    ...(row.isDecisive ? [[name, `${path}${name}`, row]] : []),
    ...decisive(row.members ?? {}, `${path}${name}.`),
  ]);
  const rows = [...decisive(TABLE, 'table.'), ...decisive(STORE, ''), ...decisive(DYNAMO, 'dynamoConfig.')];

  it('that is a decisive one at another level, or in another spelling, is refused with the right path', () => {
    assert.ok(rows.length > 12, `${rows.length}`);
    for (const [name, path, { property }] of rows) {
      const options = { [path.startsWith('dynamoConfig.') ? 'table' : 'dynamoConfig']: { [property ?? name]: 'x' } };
      assert.ok(refusal(DynamoDBStore, options).message.endsWith(`write ${path}`), path);
      const spelt = (property ?? name).toUpperCase();
      assert.ok(refusal(DynamoDBStore, { [spelt]: 'x' }).message.endsWith(`write ${path}`), spelt);
    }
  });

  it('that is a decisive one with a wrong letter is refused with the right path', () => {
    const long = rows.map(([name, path, { property }]) => [property ?? name, path]).filter(([name]) => name.length > 4);
    assert.ok(long.length > 10, `${long.length}`);
    for (const [name, path] of long) {
      for (let at = 0; at <= name.length; at += 1) {
        const [before, here, after] = [name.slice(0, at), name.slice(at, at + 1), name.slice(at + 1)];
        const swapped = `${before}${after.slice(0, 1)}${here}${after.slice(1)}`;
        for (const misspelt of [`${before}${after}`, `${before}x${here}${after}`, `${before}x${after}`, swapped]) {
          const error = misspelt !== name && refusal(DynamoDBStore, { [misspelt]: 'x' });
          assert.ok(!error || error.message.endsWith(`write ${path}`), `${misspelt}: ${error.message}`);
        }
      }
    }
  });

  it('that is less like a decisive one causes a warning', async () => {
    const names = ['nam', 'regoins', 'regionsx', 'points', 'agnets', 'x'];
    const warnings = await warningsOf(() => names.forEach((name) => new DynamoDBStore({ [name]: 'x' })));
    assert.equal(warnings.length, names.length);
  });
});

describe('a client of the AWS SDK', () => {
  const settings = { region: 'eu-central-1', endpoint: 'http://127.0.0.1:9', credentials: KEYS };
  const clients = {
    v3: new DynamoDBClient(settings), v2: new AWS.DynamoDB(settings), 'DocumentClient of v2': new AWS.DynamoDB.DocumentClient(settings),
  };
  for (const [version, client] of Object.entries(clients)) {
    it(`${version}: is refused as dynamoConfig and as client, with what to write`, () => STORES.forEach((Store) => {
      for (const options of [{ dynamoConfig: client }, { client }, { layout: 'connect-dynamodb', table: { name: 'abc' }, client }]) {
        const error = refusal(Store, options);
        assert.equal(error.constructor, RangeError);
        assert.match(error.message, /dynamoConfig\.region, dynamoConfig\.endpoint and dynamoConfig\.credentials/);
      }
    }));
  }
});

it('a table given by its name: the message says where the name goes', () => {
  STORES.forEach((Store) => assert.match(refusal(Store, { table: 'sessions' }).message, /^table .*table\.name/));
});

describe('a value that the core refuses', () => {
  const CASES = [
    [{ region: ' us-east-1' }, 'dynamoConfig.region'],
    [{ region: 'us east' }, 'dynamoConfig.region'],
    [{ endpoint: 'http://user:password@localhost' }, 'dynamoConfig.endpoint'],
    [{ endpoint: 'http://localhost/?x' }, 'dynamoConfig.endpoint'],
    [{ endpoint: 'http://localhost', useFipsEndpoint: true }, 'dynamoConfig.'],
    [{ httpOptions: { proxy: 'http://a:%zz@localhost:1' } }, 'dynamoConfig.httpOptions.proxy'],
    [{ httpOptions: { agent: { options: { ca: 'no PEM' } } } }, 'dynamoConfig.httpOptions.agent'],
  ];
  CASES.forEach(([dynamoConfig, path]) => it(`${path} in ${Object.keys(dynamoConfig)}`, () => {
    const error = refusal(DynamoDBStore, { dynamoConfig: { region: 'eu-central-1', ...dynamoConfig } });
    assert.equal(error.constructor, RangeError);
    assert.ok(error.message.startsWith(path), error.message);
    assert.doesNotMatch(error.message, /user:|%zz|[a-z]_[a-z]/);
  }));
});
