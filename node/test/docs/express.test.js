'use strict';

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const peers = require('../support/peers');
const express = require('../support/express');
const { rawTable } = require('../support/raw');
const { countsViews, environment } = require('./app');
const declared = require('./declared');
const { sorted, tablesOf, unquoted } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
before(() => engine.started);
const page = checksOf('docs/express.md');

page.snippet('express', (t, { text }) => countsViews(t, text, { env: environment(engine) }));

describe('the class', () => {
  const methods = page.column('Methods and properties', 'method').map((cell) => cell.replace(/\(.*/, ''));
  const properties = page.column('Methods and properties', 'property');

  it('has the methods and properties it says, and no other', () => {
    const members = [...declared('express', 'class', 'ExpressDynamoDBStore'), ...declared('common', 'interface', 'Store')]
      .filter((name) => name !== 'constructor');
    assert.deepEqual(sorted([...methods, ...properties]), sorted(members));
    const store = new DynamoDBStore(local(engine.endpoint, 'sessions'));
    methods.forEach((name) => assert.equal(typeof store[name], 'function', name));
    properties.forEach((name) => assert.ok(name in store, name));
    assert.ok(store instanceof EventEmitter);
    // `generate` is express-session's own; it sets it.
    const own = Object.getOwnPropertyNames(DynamoDBStore.prototype).filter((name) => !['constructor', 'generate'].includes(name));
    own.forEach((name) => assert.ok([...methods, ...properties].includes(name), name));
  });
});

describe('layouts', () => {
  const rows = page.rows('Tables of other stores', 'layout').map((cells) => cells.map(unquoted));

  const taken = Object.values(peers).map((peer) => peer.layout);

  rows.forEach(([layout, , , keyAndPrefix]) => {
    it(`${layout}: stores under ${keyAndPrefix}`, async () => {
      const [key, prefix] = keyAndPrefix.split(', ');
      const name = unique('layout');
      const given = taken.includes(layout) ? { layout } : {};
      const store = new DynamoDBStore(local(engine.endpoint, name, given));
      assert.equal(store.hashKey, key);
      await store.createTableIfDontExists();
      await store.set('x', { cookie: {}, a: 1 });
      const id = `${prefix.endsWith(':') ? prefix : ''}x`;
      assert.ok(await rawTable(engine.endpoint, name, key).get(id), id);
    });
  });

  it('are those of the packages they are called after', async () => {
    const names = rows.map(([layout]) => layout).slice(1);
    assert.deepEqual(sorted(names), sorted(taken));
    assert.throws(() => new DynamoDBStore({ layout: 'another' }), { name: /TypeError|RangeError/ });
  });

  Object.entries(peers).forEach(([name, { hashKey, layout, open }]) => {
    it(`${layout}: reads the items of ${name}`, async () => {
      const table = unique('taken-over');
      const store = new DynamoDBStore(local(engine.endpoint, table, { layout }));
      assert.equal(store.hashKey, hashKey);
      await store.createTableIfDontExists();
      const peer = open(express, engine.endpoint, table);
      const session = { cookie: { originalMaxAge: 60000, expires: new Date(Date.now() + 60000) }, a: 1 };
      await new Promise((resolve, reject) => {
        peer.set('x', session, (error) => (error ? reject(error) : resolve()));
      });
      assert.equal((await store.get('x')).a, 1);
    });
  });
});

it('the options to use in place of those of other stores exist', () => {
  const options = tablesOf('docs/options.md').flatMap(({ rows }) => rows).map(([name]) => unquoted(name));
  const known = [...options, ...options.map((name) => name.split('.')[0]), 'dynamoConfig'];
  page.rows('Tables of other stores', 'connect-dynamodb').forEach(([, , here]) => {
    [...here.matchAll(/`([\w.]+)/g)].map(([, name]) => name).filter((name) => name !== 'cookie.maxAge')
      .forEach((name) => assert.ok(known.includes(name), name));
  });
});

it('what to call in place of the members of connect-dynamodb exists, and theirs do not exist here', () => {
  const theirs = peers['connect-dynamodb 3'].open(express, engine.endpoint, unique('theirs'));
  const store = new DynamoDBStore(local(engine.endpoint, 'sessions'));
  page.rows('Tables of other stores', 'of connect-dynamodb').forEach(([their, here]) => {
    const name = /^`(\w+)/.exec(their)[1];
    assert.ok(name in theirs, name);
    assert.ok(!(name in store), name);
    [...here.matchAll(/`(\w+)/g)].forEach(([, own]) => assert.ok(own in store, own));
  });
});

it('a session without a cookie is refused, as the page says', async () => {
  const store = new DynamoDBStore(local(engine.endpoint, 'sessions'));
  const [, code] = /fails with `(\w+)` if it has no `cookie`/.exec(page.text());
  for (const session of [{ a: 1 }, { cookie: 'x' }, { cookie: null }]) {
    await assert.rejects(store.set('id', session), { code });
  }
});

page.complete();
