'use strict';

// What works on all sessions of a table at once.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { local, unique } = require('../../support/options');
const { raw, rawTable } = require('../../support/raw');
const { assertDeleted } = require('../../support/tombstone');
const { attribute } = require('../../support/trace');
const {
  cookie, createTable, engine, inSeconds, MINUTE, NAME, recorder,
} = require('./table');

// A session is deleted 25 minutes after its end, when no request can land any more that was sent before it.
const GRACE = 25 * 60;
const LONG_AGO = GRACE + 5;

let table;

before(async () => { ({ table } = await createTable()); });

describe('all sessions', () => {
  const open = (more) => new DynamoDBStore(local(recorder.endpoint, NAME, more));
  const ids = (sessions) => sessions.map(({ id }) => id).sort();

  // More than one page (1 MB), and what must not be counted among them.
  const filled = async (prefix) => {
    const text = 'x'.repeat(150000);
    const names = Array.from({ length: 12 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    for (const name of names) await table.putSession(`${prefix}${name}`, attribute({ cookie: cookie(), name, text }));
    for (const name of ['gone1', 'gone2']) {
      await table.putSession(`${prefix}${name}`, attribute({ cookie: cookie(), name, text }), { expires: inSeconds(-LONG_AGO) });
    }
    await table.putSession(`other-${prefix}`, attribute({ cookie: cookie(), text }));
    return names;
  };

  it('all, length: every page, no expired ones, none of another prefix', async () => {
    const prefix = unique('all');
    const names = await filled(prefix);
    recorder.reset();
    const sessions = await open({ prefix }).all();
    assert.ok(recorder.only('Scan').length > 1, 'one page');
    assert.deepEqual(ids(sessions), names);
    sessions.forEach(({ id, name, cookie: { originalMaxAge } }) => {
      assert.equal(name, id);
      assert.equal(originalMaxAge, MINUTE);
    });
    recorder.reset();
    assert.equal(await open({ prefix }).length(), names.length);
    assert.ok(recorder.only('Scan').length > 1, 'one page');
  });

  it('all: rows that are no sessions of the frameworks are left out', async () => {
    const prefix = unique('rows');
    await table.putSession(`${prefix}session`, attribute({ cookie: cookie() }));
    await table.putSession(`${prefix}koa`, attribute({ user: 'Ada', _expire: 1 }));
    await table.putSession(`${prefix}text`, { S: 'x' });
    await table.putSession(`${prefix}future`, { B: Buffer.from([7, 1]).toString('base64') });
    await table.put({ sessionId: { S: `${prefix}ghost` }, expires: inSeconds(60) });
    assert.deepEqual(ids(await open({ prefix }).all()), ['session']);
  });

  it('all: what is written back is guarded, like any session that was loaded', async () => {
    const prefix = unique('back');
    const own = open({ prefix });
    await own.set('a', { cookie: cookie(), n: 1 });
    await own.set('b', { cookie: cookie(), n: 1 });
    const sessions = await own.all();
    await own.destroy('a');
    for (const { id, ...rest } of sessions) assert.deepEqual(Object.keys(rest).sort(), ['cookie', 'n']);
    await Promise.all(sessions.map((one) => own.set(one.id, Object.assign(one, { n: 2 }))));
    assert.equal(await own.get('a'), undefined);
    const { n, id } = await own.get('b');
    assert.deepEqual([n, id], [2, undefined], 'the id that was listed is no field of the session');
  });

  it('clear: all of the prefix, expired or not, in batches, and what was left undone again', async () => {
    const prefix = unique('clear');
    const names = await filled(prefix);
    for (let index = 0; index < 40; index += 1) await table.putSession(`${prefix}${index}`, attribute({ cookie: cookie() }));
    recorder.reset();
    // The service does half of a batch and leaves the rest to be asked for again, twice.
    recorder.answer('BatchWriteItem', async ({ body }) => {
      const [deletes] = Object.values(body.RequestItems);
      const half = Math.floor(deletes.length / 2);
      await raw(engine.endpoint, 'BatchWriteItem', { RequestItems: { [NAME]: deletes.slice(0, half) } });
      return { body: { UnprocessedItems: { [NAME]: deletes.slice(half) } } };
    }, 2);
    const own = open({ prefix });
    assert.equal(await own.clear(), names.length + 2 + 40);
    assert.equal(await own.length(), 0);
    const batches = recorder.only('BatchWriteItem').map(({ body }) => Object.values(body.RequestItems)[0].length);
    assert.ok(batches.every((size) => size <= 25), `${batches}`);
    for (const id of [...names, 'gone1', 'gone2']) assertDeleted(await table.get(prefix + id));
    assert.ok(await table.get(`other-${prefix}`));
  });

  it('clear with tombstones: nothing of the prefix is left, and with a callback', async () => {
    const prefix = unique('cleared');
    const own = open({ prefix });
    const fill = async () => {
      for (const id of ['a', 'b', 'c']) await own.set(id, { cookie: cookie(), id });
      await own.destroy('c');
    };
    const left = async () => (await table.scan()).filter(({ sessionId }) => sessionId.S.startsWith(prefix));

    await fill();
    assert.equal(await own.clear({ tombstones: false }), 2);
    assert.equal((await left()).length, 3);
    (await left()).forEach(assertDeleted);
    assert.equal(await own.clear(), 0);
    recorder.reset();
    assert.equal(await own.clear({ tombstones: true }), 3);
    assert.deepEqual(await left(), []);
    const [requests] = recorder.only('BatchWriteItem').map(({ body }) => Object.values(body.RequestItems)[0]);
    requests.forEach((request) => assert.deepEqual(Object.keys(request), ['DeleteRequest']));

    await fill();
    const deleted = await new Promise((resolve, reject) => {
      own.clear({ tombstones: true }, (error, number) => (error ? reject(error) : resolve(number)));
    });
    assert.equal(deleted, 3);
    assert.deepEqual(await left(), []);
  });

  it('all, length, get: a tombstone is no session, and not unreadable', async () => {
    const prefix = unique('tombstones');
    const own = open({ prefix });
    const unreadable = [];
    own.on('unreadable', (event) => unreadable.push(event));
    for (const id of ['a', 'b']) await own.set(id, { cookie: cookie() });
    await own.destroy('a');
    assert.deepEqual(ids(await own.all()), ['b']);
    assert.equal(await own.length(), 1);
    assert.equal(await own.get('a'), undefined);
    await own.close();
    assert.deepEqual(unreadable, []);
  });

  it('deleteExpired: sessions 25 minutes after their end, tombstones at theirs', async () => {
    const prefix = unique('grace');
    const own = open({ prefix });
    const gone = { gone: { B: 'AAAAAAAAAAA=' } };
    const rows = {
      young: { expires: inSeconds(-GRACE + 60) },
      old: { expires: inSeconds(-LONG_AGO) },
      'young tombstone': { expires: inSeconds(60), ...gone },
      'old tombstone': { expires: inSeconds(-1), ...gone },
    };
    for (const [id, more] of Object.entries(rows)) await table.putSession(`${prefix}${id}`, attribute({ _expire: 1 }), more);
    assert.equal(await own.deleteExpired(), 2);
    const left = (await table.scan()).map(({ sessionId }) => sessionId.S).filter((id) => id.startsWith(prefix));
    assert.deepEqual(left.sort(), [`${prefix}young`, `${prefix}young tombstone`]);
  });

  it('deleteExpired: the expired ones of the prefix, on every page, each on the condition that it still is', async () => {
    const prefix = unique('expired');
    const names = await filled(prefix);
    recorder.reset();
    const own = open({ prefix });
    assert.equal(await own.deleteExpired(), 2);
    const deletes = recorder.only('DeleteItem').map(({ body }) => body);
    assert.deepEqual(deletes.map(({ Key }) => Key.sessionId.S).sort(), ['gone1', 'gone2'].map((name) => prefix + name));
    deletes.forEach(({ ConditionExpression: condition }) => assert.match(condition, /#e <= :now/));
    // At half the price, although other reads of this store are consistent.
    const scans = recorder.only('Scan').map(({ body }) => body);
    assert.ok(scans.length > 1, 'one page');
    scans.forEach(({ ConsistentRead: isConsistent }) => assert.ok(!isConsistent));
    assert.equal(await own.deleteExpired(), 0);
    assert.deepEqual(ids(await own.all()), names);
    assert.ok(await table.get(`other-${prefix}`));
  });

  it('deleteExpired: the number goes to the callback', async () => {
    const own = open({ prefix: unique('callback') });
    const deleted = await new Promise((resolve, reject) => {
      own.deleteExpired((error, number) => (error ? reject(error) : resolve(number)));
    });
    assert.equal(deleted, 0);
  });

  it('of a table that is empty', async () => {
    const own = open({ prefix: unique('nothing') });
    assert.deepEqual(await own.all(), []);
    assert.equal(await own.length(), 0);
    await own.clear();
    assert.equal(await own.deleteExpired(), 0);
  });

  ['connect-dynamodb', 'dynamodb-store'].forEach((layout) => {
    it(`layout: '${layout}'`, async () => {
      const name = unique(layout);
      const hashKey = layout === 'connect-dynamodb' ? 'id' : 'sessionId';
      const own = rawTable(engine.endpoint, name, hashKey);
      await own.create();
      const theirs = new DynamoDBStore(local(engine.endpoint, name, { layout }));
      await theirs.set('a', { cookie: cookie(), n: 1 });
      await theirs.set('b', { cookie: cookie(), n: 2 });
      await own.put({ [hashKey]: { S: 'sess:ghost' }, expires: inSeconds(60) });
      const all = await theirs.all();
      assert.deepEqual(all.map(({ id, n }) => [id, n]).sort(), [['a', 1], ['b', 2]]);
      assert.equal(await theirs.length(), 2);
      await theirs.clear();
      assert.deepEqual(await theirs.all(), []);
    });
  });
});
