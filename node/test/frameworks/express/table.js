'use strict';

// The table on which the tests of the class run.

const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../../support/engine');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { useRecorder } = require('../../support/recorder');
const { cleanEnv } = require('../../support/subprocess');

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('store');

/** Creates the table of all tests of a file, and a store on it. */
async function createTable() {
  await recorder.started;
  const table = rawTable(engine.endpoint, NAME);
  await table.create();
  return { table, store: new DynamoDBStore(local(recorder.endpoint, NAME)) };
}

const cookie = (ms = MINUTE) => ({
  originalMaxAge: ms, expires: new Date(Date.now() + ms).toISOString(), httpOnly: true, path: '/',
});
const inSeconds = (secs) => ({ N: String(Math.ceil(Date.now() / SECOND) + secs) });

// Runs a script in a process of its own; what it printed, and its exit code.
const script = (body) => promisify(execFile)(process.execPath, ['-e', `
  const DynamoDBStore = require(${JSON.stringify(require.resolve('koa-session-dynamodb-store/express'))});
  const store = new DynamoDBStore(${JSON.stringify(local(recorder.endpoint, NAME))});
  const cookie = { originalMaxAge: 60000, expires: null };
  process.on('unhandledRejection', (error) => console.log('unhandled', error.message));
  ${body}`], { env: cleanEnv(), timeout: 20000 });

module.exports = {
  cookie,
  createTable,
  engine,
  inSeconds,
  MINUTE,
  NAME,
  recorder,
  script,
  SECOND,
};
