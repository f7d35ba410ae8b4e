'use strict';

// The ways people get at the class, by the package's own name.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const {
  cleanEnv, PACKAGE, start,
} = require('../../support/subprocess');

const FORMS = {
  require: ['commonjs', "const DynamoDBStore = require('koa-session-dynamodb-store');"],
  'require, named': ['commonjs', "const { DynamoDBStore } = require('koa-session-dynamodb-store');"],
  'require, default': ['commonjs', "const DynamoDBStore = require('koa-session-dynamodb-store').default;"],
  'require, by its own name': ['commonjs', "const { KoaDynamoDBStore: DynamoDBStore } = require('koa-session-dynamodb-store');"],
  import: ['module', "import DynamoDBStore from 'koa-session-dynamodb-store';"],
  'import, named': ['module', "import { DynamoDBStore } from 'koa-session-dynamodb-store';"],
  'import, by its own name': ['module', "import { KoaDynamoDBStore as DynamoDBStore } from 'koa-session-dynamodb-store';"],
  'import()': ['module', "const { default: DynamoDBStore } = await import('koa-session-dynamodb-store');"],
  'import, both the same': ['module', `
    import DynamoDBStore, { DynamoDBStore as Named } from 'koa-session-dynamodb-store';
    import { createRequire } from 'node:module';
    if (Named !== DynamoDBStore) throw new Error('the named export is another class');
    if (createRequire(import.meta.url)('koa-session-dynamodb-store') !== DynamoDBStore) throw new Error('two copies');`],
};

const SCRIPT = `
const store = new DynamoDBStore({ dynamoConfig: { region: 'local' } });
console.log(DynamoDBStore.name, store.tableName, ['get', 'set', 'destroy'].every((name) => typeof store[name] === 'function'));
`;

Object.entries(FORMS).forEach(([form, [type, source]]) => {
  it(form, async () => {
    const { ended } = start(process.execPath, [`--input-type=${type}`, '--eval', source + SCRIPT], {
      cwd: PACKAGE, env: cleanEnv(),
    });
    assert.deepEqual(await ended, {
      code: 0, signal: null, stdout: 'KoaDynamoDBStore sessions true\n', stderr: '',
    });
  });
});
