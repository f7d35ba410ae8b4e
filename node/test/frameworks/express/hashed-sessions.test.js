'use strict';

// What works on all sessions of a table in which ids are hashed, or in which only some are: such sessions have no id
// that could be listed.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const { inspect } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const hashedKey = require('../../support/hashed-key');
const { localAlone, unique } = require('../../support/options');
const referenceOf = require('../../support/reference-of');
const { assertNoSession } = require('../../support/tombstone');
const { attribute } = require('../../support/trace');
const until = require('../../support/until');
const {
  cookie, createTable, engine, NAME,
} = require('./table');

const ENCRYPTION = { keys: [{ id: 'k1', key: Buffer.alloc(32, 7) }] };
// Plain sessions, and those that are listed in another form.
const FORMS = { plain: {}, encrypted: { encryption: ENCRYPTION } };
const REF = /^[0-9a-f]{24}$/;

let table;

before(async () => { ({ table } = await createTable()); });

const open = (more) => new DynamoDBStore(localAlone(engine.endpoint, NAME, more));
const byName = (sessions) => Object.fromEntries(sessions.map((session) => [session.name, session]));

Object.entries(FORMS).forEach(([form, options]) => describe(`all sessions whose ids are hashed, ${form}`, () => {
  // A prefix with three such sessions, and a store on it.
  const filled = async (more) => {
    const prefix = unique('hashed');
    const store = open({
      prefix, hashIds: 'only', ...options, ...more,
    });
    for (const name of ['a', 'b', 'c']) await store.set(name, { cookie: cookie(), name });
    return { prefix, store };
  };

  it('are listed without an id, each with a reference of its own', async () => {
    const { prefix, store } = await filled();
    const sessions = await store.all();
    assert.deepEqual(sessions.map(({ name }) => name).sort(), ['a', 'b', 'c']);
    sessions.forEach((session) => {
      assert.deepEqual(Object.keys(session).sort(), ['cookie', 'name']);
      assert.match(store.refOf(session), REF);
    });
    const refs = sessions.map((session) => store.refOf(session));
    assert.equal(new Set(refs).size, 3);
    const again = byName(await open({ prefix, hashIds: 'only', ...options }).all());
    assert.equal(store.refOf(again.a), undefined, 'of another store');
    const own = byName(sessions);
    const others = byName(await store.all());
    ['a', 'b', 'c'].forEach((name) => assert.equal(store.refOf(own[name]), store.refOf(others[name])));
    // Not even hidden, for whoever prints a session.
    assert.ok(!inspect(sessions, { showHidden: true, depth: 9 }).includes('h1.'));
  });

  it('have no reference where they were not listed', async () => {
    const { store } = await filled();
    [await store.get('a'), {}, 'a', undefined, null].forEach((given) => assert.equal(store.refOf(given), undefined));
  });

  it('are deleted by what was listed: with a promise, and with a callback', async () => {
    const { prefix, store } = await filled();
    const { a, b } = byName(await store.all());
    await store.destroy(a);
    await new Promise((resolve, reject) => { store.destroy(b, (error) => (error ? reject(error) : resolve())); });
    assert.deepEqual([await store.get('a'), await store.get('b')], [undefined, undefined]);
    assert.equal((await store.get('c')).name, 'c');
    assertNoSession(await table.get(prefix + hashedKey('a')));
    assert.equal(await store.length(), 1);
    // Nothing brings it back, and to delete it again is a success.
    await store.destroy(a);
    assert.equal(await store.get('a'), undefined);
  });

  it('are not deleted by an object that was not listed, and that is an error', async () => {
    const { store } = await filled();
    const { a } = byName(await store.all());
    for (const given of [{ ...a }, await store.get('a'), {}]) {
      await assert.rejects(store.destroy(given), { code: 'InvalidSessionError', message: /all\(\) .* has not returned/ });
    }
    assert.equal((await store.get('a')).name, 'a');
  });

  it('a sign-out by what was listed drops what a request has changed meanwhile', async () => {
    const { store } = await filled();
    const session = await store.get('a');
    const { a } = byName(await store.all());
    await store.destroy(a);
    await store.set('a', Object.assign(session, { late: true }));
    assert.equal(await store.get('a'), undefined);
    assert.equal(store.stats().conflicts, 1);
  });

  it('a sign-out by what was listed leaves a later session of the same id alone', async () => {
    const { store } = await filled();
    const { a } = byName(await store.all());
    await store.destroy('a');
    await store.set('a', { cookie: cookie(), name: 'the next one' });
    await store.destroy(a);
    assert.equal((await store.get('a')).name, 'the next one');
  });

  it('are counted and cleared', async () => {
    const { prefix, store } = await filled();
    assert.equal(await store.length(), 3);
    assert.equal(await store.clear(), 3);
    assert.deepEqual(await store.all(), []);
    for (const name of ['a', 'b', 'c']) assertNoSession(await table.get(prefix + hashedKey(name)));
  });

  it('keep fields of their own that are called id and ref', async () => {
    const prefix = unique('fields');
    const store = open({ prefix, hashIds: 'only', ...options });
    const own = { id: 'of the application', ref: 'too' };
    await store.set('a', { cookie: cookie(), ...own });
    const [listed] = await store.all();
    assert.deepEqual([listed.id, listed.ref], [own.id, own.ref]);
    assert.match(store.refOf(listed), REF);
    const { id, ref } = await store.get('a');
    assert.deepEqual({ id, ref }, own);
    await store.destroy(listed);
    assert.equal(await store.get('a'), undefined);
  });
}));

['read', 'on', 'only', false].forEach((hashIds) => describe(`a table with sessions under ids and under hashes, hashIds: ${hashIds}`, () => {
  const mixed = async () => {
    const prefix = unique('mixed');
    await open({ prefix }).set('a', { cookie: cookie(), name: 'by id' });
    await open({ prefix, hashIds: 'only' }).set('b', { cookie: cookie(), name: 'by hash' });
    return { prefix, store: open({ prefix, hashIds }) };
  };

  it('all, length: both are there, with the id where the store looks for one', async () => {
    const { store } = await mixed();
    const sessions = byName(await store.all());
    assert.deepEqual(Object.keys(sessions).sort(), ['by hash', 'by id']);
    assert.equal(sessions['by hash'].id, undefined);
    // `only` looks for no session by its id.
    assert.equal(sessions['by id'].id, hashIds === 'only' ? undefined : 'a');
    assert.equal(await store.length(), 2);
  });

  it('destroy: whichever key what was listed has', async () => {
    const { prefix, store } = await mixed();
    for (const session of await store.all()) await store.destroy(session);
    assert.equal(await store.length(), 0);
    assertNoSession(await table.get(`${prefix}a`));
    assertNoSession(await table.get(prefix + hashedKey('b')));
    assert.equal(await open({ prefix }).get('a'), undefined);
    assert.equal(await open({ prefix, hashIds: 'only' }).get('b'), undefined);
  });

  it('clear: both', async () => {
    const { store } = await mixed();
    assert.equal(await store.clear(), 2);
    assert.equal(await store.length(), 0);
  });

  it('what is written back goes to the session that was listed', async (t) => {
    const { prefix, store } = await mixed();
    const { 'by id': session } = byName(await store.all());
    if (session.id === undefined) {
      t.diagnostic('there is no id to write it back under');
      return;
    }
    await store.set(session.id, Object.assign(session, { changed: true }));
    assert.equal((await open({ prefix }).get('a')).changed, true);
    assert.equal(await table.get(prefix + hashedKey('a')), undefined);
  });
}));

it('a session under its id keeps a field of its own that is called id', async () => {
  const prefix = unique('field');
  const store = open({ prefix, hashIds: 'on' });
  await table.putSession(`${prefix}a`, attribute({ cookie: cookie(), id: 'of the application' }));
  const [listed] = await store.all();
  assert.equal(listed.id, 'a');
  await store.set('a', Object.assign(listed, { changed: true }));
  const { session: { M: { id, changed } } } = await table.get(`${prefix}a`);
  assert.deepEqual([id, changed], [{ S: 'of the application' }, { BOOL: true }]);
});

it('a listed item that a framework cannot read is reported by the reference of its key', async () => {
  const prefix = unique('unreadable');
  const hashing = open({ prefix, hashIds: 'only' });
  await hashing.set('session', { cookie: cookie() });
  // A session of koa-session, and one of no form at all.
  const keys = ['koa', 'text'].map((name) => prefix + hashedKey(name));
  await table.putSession(keys[0], attribute({ user: 'Ada', _expire: 1 }));
  await table.putSession(keys[1], { S: 'x' });
  for (const store of [hashing, open({ prefix, hashIds: 'on' }), open({ prefix })]) {
    const refs = [];
    store.on('unreadable', (details) => {
      assert.deepEqual(Object.keys(details), ['ref']);
      refs.push(details.ref);
    });
    assert.equal((await store.all()).length, 1);
    await until('the events', () => refs.length >= 2);
    assert.deepEqual(refs.sort(), keys.map(referenceOf).sort());
  }
  // It is the reference that a load of the same session reports.
  const refs = [];
  const loading = open({ prefix, hashIds: 'on' });
  loading.on('unreadable', ({ ref }) => refs.push(ref));
  assert.equal(await loading.get('koa'), undefined);
  await until('the event', () => refs.length > 0);
  assert.deepEqual(refs, [referenceOf(keys[0])]);
});
