'use strict';

// The store for Express and Fastify of the installed package, with and without an express-session to find.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  NODE_DIR, NODES, engine, installed, run,
} = require('./helper');

const SCRIPT = `
  const DynamoDBStore = require('koa-session-dynamodb-store/express');
  const store = new DynamoDBStore({ dynamoConfig: { region: 'local' } });
  try {
    store.generate = () => {};
    console.log('express-session may use it');
    const req = { sessionID: 'x' };
    const session = store.createSession(req, { cookie: { originalMaxAge: 1000 }, views: 1 });
    console.log(session === req.session, session.constructor === require('express-session').Session, session.views);
  } catch (error) {
    console.log(error.message);
  }`;

const say = async ({ project, env }) => (
  await run(path.join(env.PATH, 'node'), ['-e', SCRIPT], { cwd: project, env })).stdout;

test('without express-session it loads, for Fastify, and tells Express what is missing', async (t) => {
  assert.match(await say(await installed(t)), /^koa-session-dynamodb-store\/express does not find express-session\. Install/);
});

test("with express-session, sessions are of the application's own class", async (t) => {
  const made = await installed(t);
  fs.symlinkSync(path.join(NODE_DIR, 'node_modules', 'express-session'), path.join(made.project, 'node_modules', 'express-session'));
  assert.equal(await say(made), 'express-session may use it\ntrue true 1\n');
});

const PROMISIFIED = `
  const { promisify } = require('node:util');
  const DynamoDBStore = require('koa-session-dynamodb-store/express');
  const store = new DynamoDBStore({ table: { name: 'promisified' }, dynamoConfig: { region: 'local', endpoint: process.argv[1] } });
  process.on('warning', ({ message }) => console.log('warning:', message));
  store.generate = (req) => { req.generated = true; };
  const CALLS = {
    createTableIfDontExists: [],
    set: ['id', { cookie: {}, views: 1 }],
    get: ['id'],
    touch: ['id', { cookie: {} }],
    load: ['id'],
    all: [],
    length: [],
    deleteExpired: [],
    regenerate: [{ sessionID: 'id' }],
    destroy: ['id'],
    clear: [],
  };
  const inTurn = async () => {
    for (const [name, args] of Object.entries(CALLS)) {
      const bound = await promisify(store[name].bind(store))(...args);
      const called = await promisify(store[name]).call(store, ...args);
      console.log(name, JSON.stringify(bound), JSON.stringify(called));
    }
    // Whoever gives a callback can use the promise, too.
    const both = store.length(() => {});
    console.log(both instanceof Promise, await both, await both.finally(() => {}), await Promise.all([both]));
  };
  inTurn().catch((error) => console.log(error));`;

// Node 22 and later warn of a function that takes a callback and returns a promise.
for (const [version, node] of Object.entries(NODES)) {
  test(`util.promisify works without a warning: Node ${version}`, async (t) => {
    const made = await installed(t);
    fs.symlinkSync(path.join(NODE_DIR, 'node_modules', 'express-session'), path.join(made.project, 'node_modules', 'express-session'));
    const { stdout, stderr } = await run(node, ['-e', PROMISIFIED, await engine(t)], { cwd: made.project, env: made.env });
    assert.equal(stderr, '');
    const session = '{"cookie":{},"views":1}';
    const loaded = '{"cookie":{"expires":null,"httpOnly":true,"path":"/"},"views":1}';
    assert.deepEqual(stdout.replaceAll(loaded, 'LOADED').replaceAll(session, 'SESSION').trim().split('\n'), [
      'createTableIfDontExists undefined undefined',
      'set undefined undefined',
      'get SESSION SESSION',
      'touch undefined undefined',
      'load LOADED LOADED',
      'all [{"cookie":{},"views":1,"id":"id"}] [{"cookie":{},"views":1,"id":"id"}]',
      'length 1 1',
      'deleteExpired 0 0',
      'regenerate undefined undefined',
      'destroy undefined undefined',
      'clear 0 0',
      'true 0 0 [ 0 ]',
    ]);
  });
}
