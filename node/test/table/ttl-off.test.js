'use strict';

// A table that exists and whose TTL is off.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { warningsOf } = require('../support/warnings');

const MINUTE = 60000;
const engine = useEngine();
const recorder = useRecorder(engine);

const create = async () => {
  const table = rawTable(engine.endpoint, unique('ttl-off'));
  await table.create();
  recorder.reset();
  return table;
};

const options = ({ name }, table = {}) => local(recorder.endpoint, name, { table: { autoCreate: true, ...table } });

// The service says that the table was created a day ago.
const old = async (call, pass) => {
  const { status, body } = await pass();
  const answer = JSON.parse(body);
  answer.Table.CreationDateTime = Date.now() / 1000 - 86400;
  return { status, body: answer };
};
const warned = async (given, answer = old) => {
  recorder.answer('DescribeTable', answer);
  const warnings = await warningsOf(async () => {
    for (const more of [{}, { prefix: 'other:' }, {}]) {
      const store = new DynamoDBStore({ ...given, ...more });
      await store.ready;
      await store.set('a', { a: 1 }, MINUTE);
    }
  });
  return warnings.filter((warning) => /TTL/.test(warning));
};

it('one warning for each table says what stays, and what deletes it', async () => {
  for (let table = 0; table < 2; table += 1) {
    const [warning, ...more] = await warned(options(await create()));
    assert.deepEqual(more, []);
    assert.match(warning, /TTL of the table is off.*deleteExpired\(\).*`dynamodb-session sweep --once`/);
  }
});

it('no warning if the application has asked for it, if TTL is on, or if the table is new', async () => {
  assert.deepEqual(await warned(options(await create(), { useTtlExpired: false })), []);
  assert.deepEqual(await warned(options(await create(), { useTtlExpired: true })), []);
  assert.deepEqual(await warned(options(await create()), (call, pass) => pass()), []);
  assert.deepEqual(await warned(options({ name: unique('new') }), (call, pass) => pass()), []);
});
