'use strict';

// A message about an option never has the core's name of a setting: users of JavaScript do not know it.

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { describe, it } = require('node:test');
const path = require('node:path');
const ExpressDynamoDBStore = require('../../lib/express.js');
const KoaDynamoDBStore = require('../../lib/index.js');

/** The core's names of settings, as far as they are no words of a sentence. */
const names = ['builder.rs', 'options/connection.rs', 'options/retry.rs', 'options/table.rs'].flatMap((file) => {
  const text = readFileSync(path.join(__dirname, '../../../crates/dynamodb-session/src', file), 'utf8');
  return [...text.matchAll(/pub fn (\w+_\w+)\(mut self/g)].map(([, name]) => name);
});

const long = 'x'.repeat(256);
const BAD = {
  'a name of the table': { table: { name: 'no' } },
  'an empty key': { table: { hashKey: '' } },
  'a long key': { table: { hashKey: long } },
  'a reserved key': { table: { hashKey: 'session' } },
  'a long TTL attribute': { table: { ttlKey: long } },
  'a reserved TTL attribute': { table: { ttlKey: 'created' } },
  'a TTL attribute that is the key': { table: { hashKey: 'x', ttlKey: 'x' } },
  'a Region': { dynamoConfig: { region: 'a b' } },
  'a scheme': { dynamoConfig: { endpoint: 'ftp://x' } },
  'credentials in the URL': { dynamoConfig: { endpoint: 'http://user:password@localhost' } },
  'a query in the URL': { dynamoConfig: { endpoint: 'http://localhost/?x' } },
  'a host': { dynamoConfig: { endpoint: 'http://:8000' } },
  'FIPS and an endpoint': { dynamoConfig: { endpoint: 'http://localhost', useFipsEndpoint: true } },
  'dual-stack and an endpoint': { dynamoConfig: { endpoint: 'http://localhost', useDualstackEndpoint: true } },
  'a user agent': { dynamoConfig: { customUserAgent: 'a\nb' } },
  'the scheme of a proxy': { dynamoConfig: { httpOptions: { proxy: 'socks5://localhost:1080' } } },
  'a host of a proxy': { dynamoConfig: { httpOptions: { proxy: 'http://' } } },
  'a password of a proxy': { dynamoConfig: { httpOptions: { proxy: 'http://a:%zz@localhost:1' } } },
  'an authority': { dynamoConfig: { httpOptions: { agent: { options: { ca: 'no PEM' } } } } },
  retries: { dynamoConfig: { maxRetries: -1 } },
  connections: { maxConnections: 0 },
  'a time limit': { operationTimeout: 0 },
  touches: { touchAfter: -1 },
  'an absolute age': { absoluteMaxAge: 0 },
  'parallel changes': { parallelChanges: 'x' },
};

describe('the names of the core\'s settings', () => {
  it('are found', () => {
    for (const name of ['table_name', 'partition_key', 'use_fips', 'max_attempts']) assert.ok(names.includes(name), name);
  });

  for (const [what, options] of Object.entries(BAD)) {
    it(`are not in the message about ${what}`, () => {
      const all = { ...options, dynamoConfig: { region: 'eu-central-1', ...options.dynamoConfig } };
      for (const Store of [KoaDynamoDBStore, ExpressDynamoDBStore]) {
        assert.throws(() => new Store(all), ({ message }) => {
          const found = names.filter((name) => message.includes(name));
          assert.deepEqual(found, [], message);
          return true;
        });
      }
    });
  }
});
