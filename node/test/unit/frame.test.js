'use strict';

// lib/frame.js reads what src/frame.rs writes, and the other way round.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const {
  after, before, describe, it,
} = require('node:test');
const dynalite = require('dynalite');
const { binding } = require('../../lib/binding.js');
const frame = require('../../lib/frame.js');
const hashedKey = require('../support/hashed-key');
const { rawTable } = require('../support/raw');

const server = dynalite({ createTableMs: 0 });
const HOUR = 3600 * 1000;
let native;
let foreign;
let hashing;
let table;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpointUrl = `http://127.0.0.1:${server.address().port}`;
  const options = {
    environment: {}, region: 'local', endpointUrl, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey', tableName: 'frames',
  };
  native = new binding.Store(options);
  hashing = new binding.Store({ ...options, hashIds: 'only' });
  foreign = new binding.Store({ ...options, layout: 'dynamodb-store' });
  table = rawTable(endpointUrl, 'frames');
  await table.create();
});

after(() => server.close());

describe('a frame of the addon', () => {
  it('has the times and the state of its item in its head, and the session in its text', async () => {
    const answer = await native.set('json', '{"a":1}', HOUR, undefined, '');
    const read = await native.get('json');
    const item = await table.get('json');
    assert.equal(frame.headOf(read), answer);
    assert.equal(answer, `${item.created.N},${frame.expiresOf(answer)},${item.rev.B}`);
    assert.equal(Math.ceil(frame.expiresOf(answer) / 1000), Number(item.expires.N));
    assert.equal(frame.textOf(read), '{"a":1}');
    assert.equal(frame.isAttribute(frame.textOf(read)), false);
    assert.equal(frame.isForeign(answer), false);
  });

  it('comes back: its head guards the write, and its text is what the write is compared with', async () => {
    const head = await native.set('back', '{"a":1,"b":1}', HOUR, undefined, '');
    await table.putSession('back', { M: { a: { N: '1' }, b: { N: '2' } } }, { created: { N: head.split(',')[0] } });
    assert.notEqual(await native.set('back', '{"a":2,"b":1}', HOUR, head, '{"a":1,"b":1}'), '');
    assert.deepEqual(JSON.parse(frame.textOf(await native.get('back'))), { a: 2, b: 2 });
    await native.destroy('back');
    assert.equal(await native.set('back', '{"a":3,"b":1}', HOUR, head, '{"a":1,"b":1}'), '');
  });

  it('comes back without a state: what is stored is read first', async () => {
    const head = await native.set('unknown', '{"a":1,"b":1}', HOUR, undefined, '');
    const [created, expires] = head.split(',');
    for (const state of ['?', '', 'no state']) {
      await native.set('unknown', '{"a":1,"b":2}', HOUR, head, '{"a":1,"b":1}');
      const answer = await native.set('unknown', '{"a":2,"b":1}', HOUR, `${created},${expires},${state}`, '{"a":1,"b":1}');
      assert.notEqual(answer, '');
      assert.deepEqual(JSON.parse(frame.textOf(await native.get('unknown'))), { a: 2, b: 2 });
    }
  });

  it('after a merge the state is not known, because what is stored is not what the application sees', async () => {
    const first = await native.set('merged', '{"a":1,"b":1}', HOUR, undefined, '');
    await native.set('merged', '{"a":1,"b":2}', HOUR, first, '{"a":1,"b":1}');
    const merged = await native.set('merged', '{"a":2,"b":1}', HOUR, first, '{"a":1,"b":1}');
    assert.match(merged, /,\?$/);
    await native.set('merged', '{"a":2,"b":1,"c":1}', HOUR, merged, '{"a":2,"b":1}');
    assert.deepEqual(JSON.parse(frame.textOf(await native.get('merged'))), { a: 2, b: 2, c: 1 });
  });

  it('a touch of a session that was changed meanwhile gives no state that the application has not seen', async () => {
    const first = await native.set('touched', '{"a":1,"b":1}', HOUR, undefined, '');
    await native.set('touched', '{"a":1,"b":2}', HOUR, first, '{"a":1,"b":1}');
    const touched = await native.touch('touched', '{"a":1,"b":1}', 2 * HOUR, first, '{"a":1,"b":1}');
    assert.match(touched, /,\?$/);
    await native.set('touched', '{"a":2,"b":1}', 2 * HOUR, touched, '{"a":1,"b":1}');
    assert.deepEqual(JSON.parse(frame.textOf(await native.get('touched'))), { a: 2, b: 2 });
  });

  it('carries attribute JSON where JSON cannot express the session', async () => {
    const text = frame.attributeText('{"M":{"bytes":{"B":"AQ=="}}}');
    await native.set('attribute', text, HOUR, undefined, '');
    const read = frame.textOf(await native.get('attribute'));
    assert.equal(frame.isAttribute(read), true);
    assert.deepEqual(JSON.parse(frame.attributeOf(read)), { M: { bytes: { B: 'AQ==' } } });
  });

  it('says of a listed session whether the key of its item is in place of its id', async () => {
    await hashing.set('hashed', '{"a":1}', HOUR, undefined, '');
    const listed = JSON.parse(await native.list()).sessions;
    const [id, framed, ref] = listed.find(([name]) => name.startsWith('h1.'));
    assert.equal(id, hashedKey('hashed'));
    assert.match(ref, /^[0-9a-f]{24}$/);
    const head = frame.headOf(framed);
    assert.equal(frame.isByKey(head), true);
    assert.equal(frame.isForeign(head), false);
    assert.equal(frame.expiresOf(head), frame.expiresOf(frame.headOf(await hashing.get('hashed'))));
    assert.equal(frame.textOf(framed), '{"a":1}');
    const [, ofOther] = listed.find(([name]) => name === 'json');
    assert.equal(frame.isByKey(frame.headOf(ofOther)), false);
    // The head says it when it comes back. Without it, the same text is an id, and nobody's.
    await native.destroy(id);
    assert.ok(await hashing.get('hashed'));
    await native.destroy(id, head);
    assert.equal(await hashing.get('hashed'), undefined);
  });

  it('says both of an item of another package', async () => {
    const key = hashedKey('foreign');
    await table.put({ sessionId: { S: key }, sess: { M: { a: { N: '1' } } } });
    const [, framed] = JSON.parse(await foreign.list()).sessions.find(([name]) => name === key);
    assert.equal(frame.headOf(framed), 'kf,,');
    assert.deepEqual([frame.isByKey('kf,,'), frame.isForeign('kf,,'), frame.expiresOf('kf,,')], [true, true, undefined]);
  });

  it('says that another package wrote the item, and that it has no times and no state', async () => {
    await table.put({ sessionId: { S: 'foreign' }, sess: { M: { a: { N: '1' } } } });
    const head = frame.headOf(await foreign.get('foreign'));
    assert.equal(head, 'f,,');
    assert.equal(frame.isForeign(head), true);
    assert.equal(frame.expiresOf(head), undefined);
  });
});

it('the marks are the same in both files', () => {
  const rust = fs.readFileSync(path.join(__dirname, '../../src/frame.rs'), 'utf8');
  const mark = (name) => new RegExp(`const ${name}_MARK: char = '(.)';`).exec(rust)[1];
  assert.equal(frame.attributeText(''), mark('ATTRIBUTE'));
  assert.equal(frame.isForeign(mark('FOREIGN')), true);
  assert.equal(frame.isByKey(mark('KEY')), true);
});
