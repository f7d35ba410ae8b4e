'use strict';

// The options of the class, and the table it creates.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const KoaStore = require('koa-session-dynamodb-store');
const express = require('../../support/express');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const Visitor = require('../../support/visitor');
const { warningsOf } = require('../../support/warnings');
const {
  cookie, createTable, engine, NAME,
} = require('./table');

before(createTable);

describe('options', () => {
  const BAD = [
    [{ layout: 'connect-redis' }, RangeError, /^layout must be one of connect-dynamodb, dynamodb-store/],
    [{ layout: 5 }, TypeError, /^layout/],
    [{ layout: null }, TypeError, /^layout/],
    [{ layout: 'toString' }, RangeError, /^layout/],
    [{ conflict: 'last' }, RangeError, /^conflict must be one of merge, overwrite/],
    [{ touchAfter: '1m' }, TypeError, /^touchAfter/],
    [{ touchAfter: -1 }, RangeError, /^touchAfter/],
    [{ absoluteMaxAge: 0 }, RangeError, /^absoluteMaxAge/],
    [{ prefix: 5 }, TypeError, /^prefix/],
    [{ sessionTtl: '1d' }, TypeError, /^sessionTtl/],
    [{ table: { name: '' } }, RangeError, /^table\.name/],
    [{ layout: 'connect-dynamodb', table: { hashKey: 'expires' } }, RangeError, /^table\.ttlKey/],
    [null, TypeError, /^options/],
  ];
  BAD.forEach(([options, Type, message]) => {
    it(JSON.stringify(options), () => {
      assert.throws(() => new DynamoDBStore(options), (error) => {
        assert.equal(error.constructor, Type);
        assert.match(error.message, message);
        return true;
      });
    });
  });

  it('a callback that is not a function', () => {
    assert.throws(() => new DynamoDBStore(local(engine.endpoint, NAME), 'x'), { name: 'TypeError', message: /callback/ });
  });

  it('unknown names are warned about, and the Koa store has no layout', async () => {
    const warnings = await warningsOf(() => {
      new DynamoDBStore(local(engine.endpoint, NAME, { keepExpired: true, layout: 'dynamodb-store' })); // eslint-disable-line no-new
      new KoaStore(local(engine.endpoint, NAME, { layout: 'connect-dynamodb' })); // eslint-disable-line no-new
    });
    assert.equal(warnings.length, 2);
    assert.match(warnings[0], /option keepExpired is unknown/);
    assert.match(warnings[1], /option layout is unknown/);
  });

  it('are shown as the Koa store shows them', () => {
    const options = local(engine.endpoint, 'shown', { table: { hashKey: 'h', ttlKey: 't', readCapacityUnits: '7' } });
    const PROPERTIES = ['tableName', 'hashKey', 'ttlKey', 'readCapacityUnits', 'writeCapacityUnits', 'isLocal',
      'useTtlExpired', 'autoCreateTable'];
    const [mine, koa] = [DynamoDBStore, KoaStore].map((Store) => {
      const made = new Store(options);
      return PROPERTIES.map((property) => made[property]);
    });
    assert.deepEqual(mine, koa);
    assert.equal(new DynamoDBStore(local(engine.endpoint, 'shown', { layout: 'connect-dynamodb' })).hashKey, 'id');
    assert.equal(new DynamoDBStore(local(engine.endpoint, 'shown', { layout: 'dynamodb-store' })).hashKey, 'sessionId');
  });
});

describe('the table', () => {
  it('is created during construction, with the key of the layout; calls wait; the callback is called once', async () => {
    const name = unique('auto');
    let called = 0;
    const own = new DynamoDBStore(local(engine.endpoint, name, { layout: 'connect-dynamodb', table: { autoCreate: true } }), (error) => {
      assert.equal(error, undefined);
      called += 1;
    });
    await own.set('a', { cookie: cookie() });
    await own.ready;
    assert.equal((await rawTable(engine.endpoint, name, 'id').describe()).KeySchema[0].AttributeName, 'id');
    assert.ok(await own.get('a'));
    assert.equal(called, 1);
  });

  it('is created when asked for, with a callback or a promise', async () => {
    await new DynamoDBStore(local(engine.endpoint, unique('asked'))).createTableIfDontExists();
    const error = await new Promise((resolve) => {
      new DynamoDBStore(local(engine.endpoint, unique('asked'))).createTableIfDontExists(resolve);
    });
    assert.equal(error, undefined);
  });

  it('that is missing: the error of the first visitor says what to do', async (t) => {
    const app = await express.serveFor(t, new DynamoDBStore(local(engine.endpoint, unique('missing'))), {}, () => {});
    assert.equal((await new Visitor(app.url, express.cookies('x')).get()).status, 500);
    assert.equal(app.errors[0].code, 'ResourceNotFoundException');
    assert.match(app.errors[0].hint, /autoCreate/);
  });
});
