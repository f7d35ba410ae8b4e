'use strict';

// The local engine, as people start it: `dynamodb-session local`. One for each test file.
// DYNAMODB_ENDPOINT names another DynamoDB to test against, DYNAMODB_SESSION_BIN another binary.

const fs = require('node:fs');
const path = require('node:path');
const { printed, start } = require('./subprocess');
const use = require('./use');

const ROOT = path.resolve(__dirname, '../../..');

const binary = () => {
  const file = process.env.DYNAMODB_SESSION_BIN
    || path.join(process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target'), 'debug', 'dynamodb-session');
  if (!fs.existsSync(file)) {
    throw new Error(`the local engine is not built: ${file} does not exist. `
      + 'Build it with `cargo build -p dynamodb-session-cli`, or set DYNAMODB_SESSION_BIN to its path.');
  }
  return file;
};

const startEngine = async (...args) => {
  const engine = start(binary(), ['local', '--port', '0', ...args]);
  try {
    const [endpoint] = await printed(engine, /http:\/\/[\d.:]+/);
    return { endpoint, stop: engine.stop };
  } catch (err) {
    await engine.stop();
    throw err;
  }
};

// For the top of a test file: the engine is there, with its `endpoint`, when the tests run.
const useEngine = () => use(async () => {
  const endpoint = process.env.DYNAMODB_ENDPOINT;
  return endpoint ? { endpoint, stop: async () => {} } : startEngine();
});

module.exports = { binary, startEngine, useEngine };
