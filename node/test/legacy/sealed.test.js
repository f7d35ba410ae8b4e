'use strict';

// A session that this package encrypted, compressed, or stored under a hash of its id, and another process that still
// runs the published version 1: it cannot read the session, and leaves it alone.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { before, describe, it } = require('node:test');
const Legacy = require('legacy');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../support/engine');
const hashedKey = require('../support/hashed-key');
const { VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const useTable = require('../support/table');
const leavesAlone = require('./strange-session');

const HOUR = 3600000;
const engine = useEngine();
const table = useTable(engine, 'sealed-legacy');
const encryption = { keys: [{ id: 'k1', key: crypto.randomBytes(32) }] };
const SESSION = { user: 'Ada', note: 'tea '.repeat(2000) };
let legacy;

before(async () => {
  await engine.started;
  legacy = new Legacy(local(engine.endpoint, table.name));
});

const STORED = {
  encrypted: { options: { encryption }, keyOf: (id) => id },
  compressed: { options: { compress: true }, keyOf: (id) => id },
  'encrypted and compressed': { options: { encryption, compress: true }, keyOf: (id) => id },
  'stored under a hash of its id': { options: { hashIds: 'only' }, keyOf: hashedKey },
};

const storeOf = (options) => new DynamoDBStore(local(engine.endpoint, table.name, options));

const stored = async ({ options, keyOf }, id) => {
  await storeOf(options).set(id, SESSION, HOUR, { ctx: {} });
  const { sealed } = await table.get(keyOf(id));
  if (options.encryption || options.compress) assert.ok(sealed, 'the session is not sealed');
};

Object.entries(STORED).forEach(([name, kind]) => {
  VERSIONS.forEach((version) => {
    describe(`${version.name} on version 1, a session ${name}`, () => {
      it('a view finds no session, a change draws a new id, and the session stays', async (t) => {
        const id = unique('id');
        await stored(kind, id);
        const key = kind.keyOf(id);
        await leavesAlone(t, version, {
          legacy, table, id, key,
        });
        assert.deepEqual(await storeOf(kind.options).get(id), SESSION);
      });
    });
  });
});

it('with an id that the application chooses, version 1 overwrites a sealed session', async () => {
  const id = unique('id');
  await stored(STORED.encrypted, id);
  await legacy.set(id, { user: 'Grace' }, HOUR);
  assert.deepEqual(await storeOf({ encryption }).get(id), { user: 'Grace' });
  assert.deepEqual(await legacy.get(id), { user: 'Grace' });
});
