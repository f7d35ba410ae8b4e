'use strict';

// An existing table: the requests of the store about it, and what it changes or leaves unchanged.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { raw, rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');

const HOUR = 3600000;
const engine = useEngine();
const recorder = useRecorder(engine);

const create = async (more = {}, key = undefined) => {
  const table = rawTable(engine.endpoint, unique('live'), key);
  await table.create(more);
  recorder.reset();
  return table;
};

const enableTtl = ({ name }, attribute) => raw(engine.endpoint, 'UpdateTimeToLive', {
  TableName: name, TimeToLiveSpecification: { AttributeName: attribute, Enabled: true },
});

const creating = ({ name }, table = {}) => local(recorder.endpoint, name, { table: { autoCreate: true, ...table } });

// The result of a creation in all its forms: the callback, `ready`, and the operations that waited.
const outcomes = async (options) => {
  let store;
  const called = new Promise((resolve) => {
    const calls = [];
    store = new DynamoDBStore(options, (err) => {
      calls.push(err);
      // A second call of the callback would come soon.
      setImmediate(() => setImmediate(() => resolve(calls)));
    });
  });
  const waited = Promise.allSettled([store.set('a', { a: 1 }, HOUR), store.get('a'), store.destroy('a')]);
  const ready = await store.ready.then(() => undefined, (err) => err);
  return {
    calls: await called, ready, waited: (await waited).map(({ reason }) => reason), store,
  };
};

const assertFails = async (options, check) => {
  const { calls, ready, waited } = await outcomes(options);
  assert.equal(calls.length, 1);
  [calls[0], ready, waited[0], waited[2]].forEach((err) => {
    assert.ok(err instanceof Error, String(err));
    check(err);
  });
  assert.equal(waited[1].message, 'Unable to get session.');
  assert.equal(waited[1].code, calls[0].code);
};

// The table can be used all the same.
const assertReported = async (options, check) => {
  const { calls, ready, waited } = await outcomes(options);
  assert.equal(calls.length, 1);
  [calls[0], ready].forEach(check);
  assert.deepEqual(waited, [undefined, undefined, undefined]);
};

const CHANGES = ['CreateTable', 'UpdateTable', 'UpdateTimeToLive', 'DeleteTable'];
const changes = () => recorder.calls.filter(({ operation }) => CHANGES.includes(operation));

const assertWorks = async (options) => {
  const {
    calls, ready, waited, store,
  } = await outcomes(options);
  assert.deepEqual([...calls, ready, ...waited].map((err) => err ?? null), [null, null, null, null, null]);
  return store;
};

describe('without an explicit option nothing is changed', () => {
  it('other units, no option: unchanged', async () => {
    const table = await create({ ProvisionedThroughput: { ReadCapacityUnits: 40, WriteCapacityUnits: 30 } });
    await assertWorks(creating(table));
    assert.deepEqual(changes(), []);
    assert.equal((await table.describe()).ProvisionedThroughput.ReadCapacityUnits, 40);
  });

  it('TTL off, no option: unchanged', async () => {
    const table = await create();
    await assertWorks(creating(table));
    assert.deepEqual(changes(), []);
  });

  it('a table that matches the options: no change', async () => {
    const table = await create();
    await enableTtl(table, 'expires');
    await assertWorks(creating(table, { readCapacityUnits: 5, writeCapacityUnits: '5', useTtlExpired: true }));
    assert.deepEqual(changes(), []);
    assert.deepEqual(recorder.operations().slice(0, 2), ['DescribeTable', 'DescribeTimeToLive']);
  });

  it('an on-demand table takes no units, whatever the options say', async () => {
    const table = await create({ BillingMode: 'PAY_PER_REQUEST', ProvisionedThroughput: undefined });
    await assertWorks(creating(table, { readCapacityUnits: 10, writeCapacityUnits: 10 }));
    assert.deepEqual(changes(), []);
  });

  it('billingMode does not change a table', async () => {
    const table = await create();
    await assertWorks(creating(table, { billingMode: 'PAY_PER_REQUEST' }));
    assert.deepEqual(changes(), []);
  });

  it('createTable is for creation', async () => {
    const table = await create();
    await assertWorks(creating(table, { createTable: { DeletionProtectionEnabled: true } }));
    assert.deepEqual(changes(), []);
  });
});

describe('explicit options are applied', () => {
  it('units', async () => {
    const table = await create();
    await assertWorks(creating(table, { readCapacityUnits: '10', writeCapacityUnits: 20 }));
    assert.deepEqual(changes().map(({ operation, body }) => [operation, body]), [['UpdateTable', {
      TableName: table.name, ProvisionedThroughput: { ReadCapacityUnits: 10, WriteCapacityUnits: 20 },
    }]]);
    const { ProvisionedThroughput: units } = await table.describe();
    assert.deepEqual([units.ReadCapacityUnits, units.WriteCapacityUnits], [10, 20]);
  });

  it('one kind of units: the other stays as it is on the table', async () => {
    const table = await create({ ProvisionedThroughput: { ReadCapacityUnits: 40, WriteCapacityUnits: 30 } });
    await assertWorks(creating(table, { writeCapacityUnits: 31 }));
    assert.deepEqual(changes().map(({ body }) => body.ProvisionedThroughput), [
      { ReadCapacityUnits: 40, WriteCapacityUnits: 31 },
    ]);
  });

  it('useTtlExpired true: TTL is turned on', async () => {
    const table = await create();
    await assertWorks(creating(table, { useTtlExpired: true, ttlKey: 'until' }));
    assert.deepEqual(changes().map(({ operation, body }) => [operation, body.TimeToLiveSpecification]), [
      ['UpdateTimeToLive', { AttributeName: 'until', Enabled: true }],
    ]);
    const ttl = await table.timeToLive();
    assert.match(ttl.TimeToLiveStatus, /^ENABL/);
    assert.equal(ttl.AttributeName, 'until');
  });

  it('useTtlExpired false: TTL is turned off', async () => {
    const table = await create();
    await enableTtl(table, 'expires');
    await assertWorks(creating(table, { useTtlExpired: false }));
    assert.deepEqual(changes().map(({ body }) => body.TimeToLiveSpecification), [
      { AttributeName: 'expires', Enabled: false },
    ]);
    assert.match((await table.timeToLive()).TimeToLiveStatus, /^DISABL/);
  });

  it('setTtlField and updateTable apply them when the application calls them', async () => {
    const table = await create();
    const store = new DynamoDBStore(local(recorder.endpoint, table.name, { table: { readCapacityUnits: 6 } }));
    await store.setTtlField();
    await store.updateTable();
    assert.deepEqual(changes().map(({ operation }) => operation), ['UpdateTimeToLive', 'UpdateTable']);
    assert.match((await table.timeToLive()).TimeToLiveStatus, /^ENABL/);
  });
});

describe('a TTL attribute that is enabled is used beside ttlKey', () => {
  for (const explicit of [{}, { useTtlExpired: true }, { ttlKey: 'other' }]) {
    it(`options ${JSON.stringify(explicit)}`, async () => {
      const table = await create();
      await enableTtl(table, 'until');
      const store = await assertWorks(creating(table, explicit));
      assert.deepEqual(changes(), []);
      assert.equal(store.ttlKey, 'until');
      await store.set('x', { a: 1 }, HOUR);
      const item = await table.get('x');
      const { ttlKey = 'expires' } = explicit;
      assert.deepEqual(Object.keys(item).sort(), ['created', 'rev', 'session', 'sessionId', 'until', ttlKey].sort());
      assert.deepEqual(item[ttlKey], item.until);
      assert.deepEqual(await store.get('x'), { a: 1 });
      await store.set('x', { a: 1 }, -HOUR);
      assert.equal(await store.get('x'), undefined, 'the expiry is read from it');
    });
  }

  it('turning TTL off names the attribute of the table', async () => {
    const table = await create();
    await enableTtl(table, 'until');
    await assertWorks(creating(table, { useTtlExpired: false }));
    assert.deepEqual(changes().map(({ body }) => body.TimeToLiveSpecification), [
      { AttributeName: 'until', Enabled: false },
    ]);
  });

  it('but not if the store uses that attribute for other content', async () => {
    const table = await create();
    await enableTtl(table, 'session');
    await assertFails(creating(table), (err) => {
      assert.equal(err.code, 'ConfigError');
      assert.match(err.message, /session/);
    });
  });
});

describe('creation', () => {
  const createRequest = async (options) => {
    recorder.reset();
    const name = unique('request');
    // The table is created with plain settings, because not every engine accepts all fields.
    recorder.answer('CreateTable', async () => {
      await rawTable(engine.endpoint, name).create();
      return { body: { TableDescription: { TableName: name, TableStatus: 'CREATING' } } };
    });
    const store = new DynamoDBStore(creating({ name }, options));
    await store.ready;
    await store.set('a', { a: 1 }, HOUR);
    const [{ body }] = recorder.only('CreateTable');
    assert.equal(body.TableName, name);
    return { body, name };
  };

  it('turns TTL on', async () => {
    const { name } = await createRequest({});
    assert.deepEqual(recorder.only('UpdateTimeToLive').map(({ body }) => body), [
      { TableName: name, TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } },
    ]);
  });

  it('useTtlExpired false: does not', async () => {
    await createRequest({ useTtlExpired: false });
    assert.deepEqual(recorder.only('UpdateTimeToLive'), []);
  });

  it('PAY_PER_REQUEST sends no throughput', async () => {
    const { body } = await createRequest({ billingMode: 'PAY_PER_REQUEST' });
    assert.equal(body.BillingMode, 'PAY_PER_REQUEST');
    assert.ok(!('ProvisionedThroughput' in body));
  });

  it('createTable is merged into the request', async () => {
    const more = {
      Tags: [{ Key: 'team', Value: 'web' }],
      TableClass: 'STANDARD_INFREQUENT_ACCESS',
      DeletionProtectionEnabled: true,
      SSESpecification: { Enabled: true, SSEType: 'KMS' },
    };
    const { body } = await createRequest({ readCapacityUnits: 9, createTable: more });
    Object.entries(more).forEach(([member, value]) => assert.deepEqual(body[member], value));
    assert.deepEqual(body.ProvisionedThroughput, { ReadCapacityUnits: 9, WriteCapacityUnits: 5 });
    assert.deepEqual(body.KeySchema, [{ AttributeName: 'sessionId', KeyType: 'HASH' }]);
  });

  it('createTable may choose on-demand itself', async () => {
    const { body } = await createRequest({ createTable: { BillingMode: 'PAY_PER_REQUEST' } });
    assert.equal(body.BillingMode, 'PAY_PER_REQUEST');
    assert.ok(!('ProvisionedThroughput' in body));
  });

  it('TTL that is refused while the table is being created is set again', async () => {
    recorder.reset();
    recorder.answer('UpdateTimeToLive', failure('ResourceInUseException', 'the table is being updated'), 2);
    const name = unique('settling');
    const store = new DynamoDBStore(creating({ name }));
    await store.ready;
    assert.equal(recorder.only('UpdateTimeToLive').length, 3);
    assert.match((await rawTable(engine.endpoint, name).timeToLive()).TimeToLiveStatus, /^ENABL/);
  });
});

describe('failures reach the callback once, ready, and the waiting operations if there is no table', () => {
  it('no permission to create', async () => {
    recorder.reset();
    recorder.answer('CreateTable', failure('AccessDeniedException', 'not authorized'));
    await assertFails(creating({ name: unique('denied') }), (err) => assert.equal(err.code, 'AccessDeniedException'));
  });

  it('units changed too often: the service\'s own error', async () => {
    const table = await create();
    recorder.answer('UpdateTable', failure('LimitExceededException', 'Subscriber limit exceeded: too many decreases'));
    await assertReported(creating(table, { readCapacityUnits: 1 }), (err) => {
      assert.equal(err.code, 'LimitExceededException');
      assert.match(err.message, /Subscriber limit exceeded/);
    });
  });

  it('TTL changed too often: the service\'s own error', async () => {
    const table = await create();
    const message = 'Time to live has been modified multiple times within a fixed interval';
    recorder.answer('UpdateTimeToLive', failure('ValidationException', message));
    await assertReported(creating(table, { useTtlExpired: true }), (err) => {
      assert.equal(err.code, 'ValidationException');
      assert.match(err.message, /modified multiple times within a fixed interval/);
    });
  });

  it('TTL that another process has enabled meanwhile is not a failure', async () => {
    const table = await create();
    recorder.answer('UpdateTimeToLive', async () => {
      await enableTtl(table, 'expires');
      return failure('ValidationException', 'TimeToLive is already enabled');
    });
    await assertWorks(creating(table, { useTtlExpired: true }));
  });

  it('units that another process has changed meanwhile are not a failure', async () => {
    const table = await create();
    recorder.answer('UpdateTable', async ({ body }) => {
      await raw(engine.endpoint, 'UpdateTable', body);
      return failure('ValidationException', 'The provisioned throughput for the table will not change');
    }, 1);
    await assertWorks(creating(table, { readCapacityUnits: 8 }));
  });

  const SCHEMAS = {
    'a sort key': [{
      KeySchema: [{ AttributeName: 'sessionId', KeyType: 'HASH' }, { AttributeName: 'at', KeyType: 'RANGE' }],
      AttributeDefinitions: [
        { AttributeName: 'sessionId', AttributeType: 'S' }, { AttributeName: 'at', AttributeType: 'N' }],
    }, /sort key.*at/],
    'a key that is a number': [{
      AttributeDefinitions: [{ AttributeName: 'sessionId', AttributeType: 'N' }],
    }, /sessionId.*string/],
    'a key of another name': [{
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    }, /`?id`?.*sessionId/],
  };
  for (const [name, [schema, message]] of Object.entries(SCHEMAS)) {
    it(`${name}: an error that says so`, async () => {
      const table = await create(schema);
      await assertFails(creating(table, { useTtlExpired: true, readCapacityUnits: 50 }), (err) => {
        assert.equal(err.code, 'ConfigError');
        assert.match(err.message, message);
      });
      assert.deepEqual(changes(), []);
    });
  }

  it('a failure can be followed by a success', async () => {
    recorder.reset();
    const name = unique('again');
    recorder.answer('CreateTable', failure('LimitExceededException', 'too many tables at once'), 1);
    const store = new DynamoDBStore(creating({ name }), () => {});
    await assert.rejects(store.ready, { code: 'LimitExceededException' });
    await store.createTableIfDontExists();
    await store.ready;
    await store.set('a', { a: 1 }, HOUR);
    assert.deepEqual(await store.get('a'), { a: 1 });
  });

  it('createTableIfDontExists rejects, or calls back, not both', async () => {
    recorder.reset();
    recorder.answer('DescribeTable', failure('AccessDeniedException'));
    const store = new DynamoDBStore(local(recorder.endpoint, unique('denied')));
    await assert.rejects(store.createTableIfDontExists(), { code: 'AccessDeniedException' });
    const err = await new Promise((resolve) => { store.createTableIfDontExists(resolve); });
    assert.equal(err.code, 'AccessDeniedException');
  });

  it('without a callback: no crash, no unhandled rejection', async () => {
    recorder.reset();
    recorder.answer('DescribeTable', failure('AccessDeniedException', 'not authorized'));
    const end = await runScript((Store, options) => {
      process.on('unhandledRejection', () => console.log('unhandled'));
      process.on('uncaughtException', () => console.log('uncaught'));
      new Store(options); // eslint-disable-line no-new
      new Store(options).createTableIfDontExists(() => console.log('called back'));
    }, [creating({ name: unique('denied') })]);
    assert.equal(end.code, 0);
    assert.equal(end.stdout, 'called back\n');
    assert.doesNotMatch(end.stderr, /at .*\.js/, 'there may be a warning, but no stack');
  });
});

describe('isTableCreated', () => {
  it('a table that is deleted between the two requests does not exist', async () => {
    const table = await create();
    const store = new DynamoDBStore(local(recorder.endpoint, table.name));
    assert.equal((await store.isTableCreated()).describeTable.Table.TableStatus, 'ACTIVE');
    recorder.answer('DescribeTimeToLive', failure('ResourceNotFoundException', 'Requested resource not found'));
    assert.equal(await store.isTableCreated(), null);
  });

  it('no permission is an error, not "no table"', async () => {
    const table = await create();
    recorder.answer('DescribeTimeToLive', failure('AccessDeniedException'));
    const store = new DynamoDBStore(local(recorder.endpoint, table.name));
    await assert.rejects(store.isTableCreated(), { code: 'AccessDeniedException' });
  });
});

describe('capacity and consistency of a request', () => {
  it('reads are consistent by default', async () => {
    const table = await create();
    await new DynamoDBStore(local(recorder.endpoint, table.name)).get('x');
    await new DynamoDBStore(local(recorder.endpoint, table.name, { consistentRead: false })).get('x');
    const [consistent, eventual] = recorder.only('GetItem').map(({ body }) => body.ConsistentRead ?? false);
    assert.deepEqual([consistent, eventual], [true, false]);
  });
});
