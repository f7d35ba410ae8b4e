'use strict';

// Somebody's Jest suite that uses the store: it passes and leaves nothing open.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  NODE_DIR, engine, installed, run,
} = require('./helper');

const JEST = path.join(NODE_DIR, 'node_modules', 'jest', 'bin', 'jest.js');
const SUITE = `
const Store = require('koa-session-dynamodb-store');

test('a session', async () => {
  const store = new Store({
    table: { name: 'jest', autoCreate: true },
    dynamoConfig: { region: 'local', endpoint: process.env.ENGINE, accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' },
  });
  await store.ready;
  await store.set('id', { views: 1 }, 60000);
  expect(await store.get('id')).toEqual({ views: 1 });
});
`;

test('no open handle is left behind', async (t) => {
  const { project, env } = await installed(t);
  fs.writeFileSync(path.join(project, 'store.test.js'), SUITE);
  const args = [JEST, '--rootDir', project, '--watchman=false', '--ci'];
  const options = { cwd: project, env: { ...env, ENGINE: await engine(t) }, timeout: 60000 };
  for (const more of [[], ['--detectOpenHandles']]) {
    const { stderr } = await run(path.join(env.PATH, 'node'), [...args, ...more], options);
    assert.match(stderr, /Tests: +1 passed/);
    assert.doesNotMatch(stderr, /open handle|did not exit|failed to exit/i);
  }
});
