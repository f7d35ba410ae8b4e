'use strict';

// What the constructor makes of its options.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { Core } = require('../../lib/core.js');
const { readOptions } = require('../../lib/options/read.js');
const { warningsOf } = require('../support/warnings');

describe('defaults', () => {
  it('are those of the legacy package', () => {
    assert.deepEqual(readOptions().public, {
      tableName: 'sessions',
      hashKey: 'sessionId',
      readCapacityUnits: 5,
      writeCapacityUnits: 5,
      isLocal: false,
      useTtlExpired: true,
      autoCreateTable: false,
    });
    assert.equal(readOptions().sessionTtl, 86400000);
  });

  it('are not what changes a live table: only what the caller wrote is', () => {
    assert.deepEqual(Object.values(readOptions().table).filter((value) => value !== undefined), []);
    assert.deepEqual(readOptions({ table: { readCapacityUnits: '7', useTtlExpired: false } }).table, {
      readCapacityUnits: 7, useTtl: false, createTable: undefined,
    });
  });
});

describe('options of the table', () => {
  it('reach the native part', () => {
    const { native, public: shown } = readOptions({
      table: {
        name: 'my-table', hashKey: 'pk', ttlKey: 'ttl', autoCreate: true,
      },
      prefix: 'app:',
      consistentRead: false,
    });
    assert.equal(native.tableName, 'my-table');
    assert.equal(native.partitionKey, 'pk');
    assert.equal(native.ttlAttribute, 'ttl');
    assert.equal(native.prefix, 'app:');
    assert.equal(native.consistentRead, false);
    assert.equal(shown.hashKey, 'pk');
    assert.equal(shown.autoCreateTable, true);
  });

  it('parallelChanges reaches it under either name', () => {
    assert.equal(readOptions().native.overwrite, undefined);
    assert.equal(readOptions({ parallelChanges: 'merge' }).native.overwrite, undefined);
    assert.equal(readOptions({ parallelChanges: 'overwrite' }).native.overwrite, true);
    assert.equal(readOptions({ conflict: 'overwrite' }).native.overwrite, true);
  });

  it('hashIds reaches it, and is left out where it is off', () => {
    assert.equal(readOptions().native.hashIds, undefined);
    assert.equal(readOptions({ hashIds: false }).native.hashIds, undefined);
    ['read', 'on', 'only'].forEach((hashIds) => assert.equal(readOptions({ hashIds }).native.hashIds, hashIds));
  });

  it('createTable wins over dynamoConfig.params', () => {
    const { table } = readOptions({
      table: { createTable: { TableClass: 'STANDARD' } },
      dynamoConfig: { params: { TableClass: 'STANDARD_INFREQUENT_ACCESS', Tags: [] } },
    });
    assert.deepEqual(JSON.parse(table.createTable), { TableClass: 'STANDARD', Tags: [] });
  });
});

describe('bad options', () => {
  const CASES = [
    [null, TypeError, /^options/],
    ['x', TypeError, /^options/],
    [[], TypeError, /^options/],
    [{ table: null }, TypeError, /^table/],
    [{ table: 'sessions' }, TypeError, /^table/],
    [{ table: { name: 5 } }, TypeError, /^table\.name/],
    [{ table: { name: null } }, TypeError, /^table\.name/],
    [{ table: { name: '' } }, RangeError, /^table\.name/],
    [{ table: { name: 'a b c' } }, RangeError, /^table\.name/],
    [{ table: { hashKey: '' } }, RangeError, /^table\.hashKey/],
    [{ table: { hashKey: 'session' } }, RangeError, /^table\.hashKey/],
    [{ table: { hashKey: 'created' } }, RangeError, /^table\.hashKey/],
    [{ table: { ttlKey: 'rev' } }, RangeError, /^table\.ttlKey/],
    [{ table: { ttlKey: 'sessionId' } }, RangeError, /^table\.ttlKey/],
    [{ table: { hashKey: 'expires' } }, RangeError, /^table\.ttlKey/],
    [{ table: { readCapacityUnits: 'many' } }, TypeError, /^table\.readCapacityUnits/],
    [{ table: { readCapacityUnits: '' } }, TypeError, /^table\.readCapacityUnits/],
    [{ table: { writeCapacityUnits: 0 } }, RangeError, /^table\.writeCapacityUnits/],
    [{ table: { writeCapacityUnits: 1.5 } }, RangeError, /^table\.writeCapacityUnits/],
    [{ table: { useTtlExpired: 'yes' } }, TypeError, /^table\.useTtlExpired/],
    [{ table: { autoCreate: 1 } }, TypeError, /^table\.autoCreate/],
    [{ table: { billingMode: 'ON_DEMAND' } }, RangeError, /^table\.billingMode/],
    [{ table: { createTable: 'x' } }, TypeError, /^table\.createTable/],
    [{ prefix: 5 }, TypeError, /^prefix/],
    [{ prefix: '\ud800' }, RangeError, /^prefix/],
    [{ consistentRead: 'false' }, TypeError, /^consistentRead/],
    [{ sessionTtl: '1d' }, TypeError, /^sessionTtl/],
    [{ sessionTtl: 0 }, RangeError, /^sessionTtl/],
    [{ sessionTtl: Infinity }, RangeError, /^sessionTtl/],
    [{ dynamoConfig: null }, TypeError, /^dynamoConfig/],
    [{ dynamoConfig: 5 }, TypeError, /^dynamoConfig/],
  ];
  CASES.forEach(([options, Type, message]) => {
    it(JSON.stringify(options), () => {
      assert.throws(() => new Core(options), (error) => {
        assert.equal(error.constructor, Type);
        assert.match(error.message, message);
        return true;
      });
    });
  });

  it('unknown ones are warned about once', async () => {
    const warnings = await warningsOf(() => {
      readOptions({ tabel: {}, table: { autocreate: true } });
      readOptions({ tabel: {}, table: { autocreate: true } });
    });
    assert.equal(warnings.length, 2);
    assert.match(warnings.join(), /tabel/);
    assert.match(warnings.join(), /table\.autocreate/);
  });

  it('someone else\'s object is not taken apart', async () => {
    class Context { app = {}; }
    assert.deepEqual(await warningsOf(() => readOptions(new Context())), []);
  });
});
