'use strict';

// The store for Express and Fastify of the installed package, with and without an express-session to find.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { NODE_DIR, installed, run } = require('./helper');

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
