'use strict';

// The core's conformance suite on an adapter: on the local engine and on dynalite, or on the DynamoDB that
// DYNAMODB_ENDPOINT names. CONFORMANCE_UNMET lists, with commas, what that one cannot do, such as `proto-keys`.
//
// It runs on subjects. For each case a subject opens an object with these members, around a `Store` that is made with
// its `options`. Where the adapter has no such verb, the member is missing. `unmet` has the number of cases that this
// concerns, by the name of the need. `flags` are those of the envelopes, where sessions are sealed. `keyOf(id)` is what
// the table has in place of an id, where ids are hashed.
//
// own, adds                  the fields that the adapter itself adds to the data; those it must find in a row of others
// put(id, data, ttl)         stores a session, whatever is there
// load(id, name)             the data, undefined for a miss; under a name, what follows goes on with what was loaded
// save(name, data, ttl)      'written' or 'gone'; so do replace(name, data, ttl) and touch(name, ttl)
// create(id, data, ttl)      'created' or 'taken'
// list(), count(), clear()   the live sessions by id; how many they are; how many were deleted, if the adapter says so
// delete(id), close()

const assert = require('node:assert/strict');
const {
  after, before, describe, it,
} = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useDynalite } = require('../support/dynalite');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { cases, runCase } = require('./suite');
const openTable = require('./table');

const ENDPOINT = process.env.DYNAMODB_ENDPOINT;
const declared = (process.env.CONFORMANCE_UNMET ?? '').split(',').filter(Boolean);

// Each with what it cannot do, and how many cases need that.
const countOf = (need) => cases.filter((one) => one.needs?.includes(need)).length;
const counted = (needs) => Object.fromEntries(needs.map((need) => [need, countOf(need)]));
const ENGINES = ENDPOINT
  ? [{ name: ENDPOINT, engine: useEngine(), unmet: counted(declared) }]
  : [
    { name: 'dynoxide', engine: useEngine(), unmet: {} },
    // It drops attributes called `__proto__`.
    { name: 'dynalite', engine: useDynalite({ createTableMs: 0, deleteTableMs: 0 }), unmet: { 'proto-keys': 1 } },
  ];

// With a Region in the environment, that and its credentials count: the endpoint may be one that verifies them.
const isSigned = Boolean(ENDPOINT && process.env.AWS_REGION);
const optionsFor = (endpoint, name, more) => (isSigned
  ? { table: { name }, dynamoConfig: { endpoint }, ...more }
  : local(endpoint, name, more));

module.exports = (subjects) => ENGINES.forEach(({ name: engineName, engine, unmet: unmetByEngine }) => {
  const tableName = unique('conformance');
  let table;

  before(async () => {
    await engine.started;
    await new DynamoDBStore(optionsFor(engine.endpoint, tableName)).createTableIfDontExists();
    table = openTable(engine.endpoint, tableName, isSigned);
  });
  // The engines of this file end with it.
  if (ENDPOINT) after(() => table?.drop());

  subjects.forEach((subject) => {
    describe(`${subject.name} on ${engineName}`, () => {
      const unmet = { ...subject.unmet, ...unmetByEngine };
      const skipped = {};

      cases.forEach((one) => {
        const need = one.needs?.find((name) => name in unmet);
        if (need) skipped[need] = (skipped[need] ?? 0) + 1;
        it(one.name, { skip: need && `(needs ${need})` }, async () => {
          const prefix = unique('case');
          const options = optionsFor(engine.endpoint, tableName, { prefix, ...subject.options });
          const opened = await subject.open(new subject.Store(options));
          try {
            await runCase(one, opened, table, { prefix, keyOf: subject.keyOf });
          } finally {
            await opened.close();
          }
        });
      });

      // Else the suite would say nothing about sealed sessions.
      if (subject.flags !== undefined) {
        it('a session is sealed in the table', async () => {
          const prefix = unique('sealed');
          const options = optionsFor(engine.endpoint, tableName, { prefix, ...subject.options });
          const opened = await subject.open(new subject.Store(options));
          try {
            await opened.put('id', { text: 'tea '.repeat(1000) }, 60000);
            const { sealed } = await table.get(`${prefix}${subject.keyOf?.('id') ?? 'id'}`);
            assert.equal(Buffer.from(sealed.B, 'base64')[1], subject.flags);
          } finally {
            await opened.close();
          }
        });
      }

      if (subject.keyOf) {
        it('the id of a session is hashed in the table', async () => {
          const prefix = unique('hashed');
          const options = optionsFor(engine.endpoint, tableName, { prefix, ...subject.options });
          const opened = await subject.open(new subject.Store(options));
          try {
            await opened.put('id', { n: 1 }, 60000);
            assert.equal(await table.get(`${prefix}id`), undefined);
            assert.ok(await table.get(`${prefix}${subject.keyOf('id')}`));
          } finally {
            await opened.close();
          }
        });
      }

      it('no case was skipped that is not declared', () => assert.deepEqual(skipped, unmet));
    });
  });
});
