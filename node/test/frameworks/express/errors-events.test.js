'use strict';

// What the class reports: errors, events and statistics.

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const express = require('../../support/express');
const fastify = require('../../support/fastify');
const { local, localAlone, unique } = require('../../support/options');
const { failure } = require('../../support/recorder');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');
const {
  cookie, createTable, engine, NAME, recorder,
} = require('./table');

let table;
let store;

before(async () => { ({ table, store } = await createTable()); });

describe('errors', () => {
  [
    ['get', 'GetItem', []], ['set', 'PutItem', [{ cookie: cookie() }]], ['destroy', 'PutItem', []], ['all', 'Scan', []],
  ].forEach(([method, operation, args]) => {
    it(`of ${method} keep the status of the service apart from what a visitor is answered with`, async () => {
      recorder.reset();
      recorder.answer(operation, failure('ValidationException', 'boom'));
      await assert.rejects(store[method]('x', ...args), (error) => {
        assert.deepEqual([error.status, error.statusCode, error.serviceStatusCode], [500, 500, 400]);
        assert.equal(error.table, NAME);
        return true;
      });
      recorder.reset();
    });
  });

  // What a credentials provider that reads a file throws would mean "no session" to both frameworks.
  [express, fastify].forEach((framework) => {
    it(`${framework.name}: a file that is missing is no session that is missing`, async (t) => {
      const missing = Object.assign(new Error('no such file: /secret/path'), { code: 'ENOENT' });
      const dynamoConfig = {
        accessKeyId: undefined, secretAccessKey: undefined, credentials: async () => { throw missing; },
      };
      const own = new DynamoDBStore(local(engine.endpoint, NAME, { dynamoConfig }));
      const app = await framework.serveFor(t, own, {}, () => ({ ok: true }));
      const { status, body } = await new Visitor(app.url, framework.cookies('x')).get();
      assert.equal(status, 500);
      assert.equal(body.message, 'Unable to get session.');
      assert.equal(app.errors[0].code, 'CredentialsError');
    });
  });

  it('fastify: a session that cannot be stored is 500, and the message says where and not what', async (t) => {
    const app = await fastify.serveFor(t, store, {}, (request) => { request.session.cart = { secret: 12345678901n }; });
    const { status, body } = await new Visitor(app.url).get();
    assert.equal(status, 500);
    assert.match(body.message, /cart\.secret is a BigInt/);
    assert.doesNotMatch(JSON.stringify(body), /12345678901/);
  });
});

describe('events', () => {
  it('reach the listeners, though frameworks never hear of them', async () => {
    const own = new DynamoDBStore(localAlone(recorder.endpoint, NAME));
    const heard = [];
    ['conflict', 'unreadable', 'retry', 'throttled'].forEach((name) => own.on(name, (event) => heard.push([name, event])));
    recorder.reset();
    const id = unique('id');
    await own.set(id, { cookie: cookie() });
    const loaded = await own.get(id);
    await own.destroy(id);
    await own.set(id, Object.assign(loaded, { a: 1 }));
    await table.putSession(id, { S: 'x' });
    await own.get(id);
    recorder.answer('GetItem', failure('ThrottlingException'), 1);
    await own.get(id);
    await until('the events', () => heard.length >= 5);
    assert.deepEqual(heard.map(([name]) => name).sort(), ['conflict', 'retry', 'throttled', 'unreadable', 'unreadable']);
    assert.ok(!JSON.stringify(heard).includes(id));
    assert.match(heard.find(([name]) => name === 'conflict')[1].ref, /^[0-9a-f]{24}$/);
  });

  it('reach each listener once, however it listens', async () => {
    const own = new DynamoDBStore(localAlone(recorder.endpoint, NAME));
    const heard = [];
    own.once('unreadable', () => heard.push('once'));
    own.prependListener('unreadable', () => heard.push('first'));
    own.on('unreadable', () => heard.push('on'));
    const id = unique('id');
    await table.putSession(id, { S: 'x' });
    await own.get(id);
    await own.get(id);
    await until('the events', () => heard.length >= 5);
    assert.deepEqual(heard, ['first', 'once', 'on', 'first', 'on']);
    assert.deepEqual(own.eventNames(), ['unreadable']);
  });
});

it('stats count what was done, and what nothing guarded', async () => {
  const own = new DynamoDBStore(localAlone(recorder.endpoint, NAME));
  const id = unique('id');
  await own.set(id, { cookie: cookie() });
  const loaded = await own.get(id);
  await own.set(id, Object.assign(loaded, { a: 1 }));
  const { operations, unguardedWrites, conflicts } = own.stats();
  assert.deepEqual(Object.entries(operations).map(([name, { calls }]) => [name, calls]).sort(), [
    ['GetItem', 1], ['PutItem', 1], ['UpdateItem', 1],
  ]);
  assert.deepEqual([unguardedWrites, conflicts], [1, 0]);
});
