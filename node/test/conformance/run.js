'use strict';

// The core's conformance suite on a face: on the local engine and on dynalite, or on the DynamoDB that
// DYNAMODB_ENDPOINT names. CONFORMANCE_UNMET lists, with commas, what that one cannot do, such as `proto-keys`.
//
// A subject makes, for each case, of a `Store` something with `put`, `load` (undefined: a miss), `delete`, and `own`:
// the fields it adds to the data by itself, or `adds` to a row that others wrote. What it loads under a name it can
// `save` and `touch` by that name later, and says `written` or `gone`. `unmet` names what it cannot do and how many
// cases need that.

const assert = require('node:assert/strict');
const {
  after, before, describe, it,
} = require('node:test');
const DynamoDBStore = require('../..');
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
          const opened = await subject.open(new subject.Store(optionsFor(engine.endpoint, tableName, { prefix })));
          try {
            await runCase(one, opened, table, prefix);
          } finally {
            await opened.close();
          }
        });
      });

      it('no case was skipped that is not declared', () => assert.deepEqual(skipped, unmet));
    });
  });
});
