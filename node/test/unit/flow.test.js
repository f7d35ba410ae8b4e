'use strict';

// The Flow declarations have the members of the TypeScript ones. Those of the options are generated.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const declared = require('../docs/declared');

const STATICS = ['default', 'DynamoDBStore'];

/** What Flow does not know of Node's EventEmitter, from which TypeScript's class inherits. */
const EMITTER = ['off', 'emit'];

const sorted = (names) => [...new Set(names)].sort();

describe('Flow declares what TypeScript declares', () => {
  const CLASSES = [
    ['index', 'koa', 'KoaDynamoDBStore', []],
    ['express', 'express', 'ExpressDynamoDBStore', EMITTER],
  ];
  CLASSES.forEach(([flow, types, name, more]) => {
    it(name, () => {
      const expected = [...declared(types, 'class', name), ...declared('common', 'interface', 'Store'), ...STATICS, name, ...more];
      assert.deepEqual(sorted(declared.inFlow(flow, name)), sorted(expected));
    });
  });

  ['Credentials', 'CredentialsV2', 'CredentialsChainV2', 'Events', 'OperationStats', 'Stats', 'StoreError', 'TableDescription'].forEach((name) => {
    it(name, () => {
      assert.deepEqual(sorted(declared.inFlow('index', name)), sorted(declared('common', 'interface', name)));
    });
  });
});
