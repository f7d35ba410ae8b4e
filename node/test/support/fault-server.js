'use strict';

// The fault server: a DynamoDB that verifies signatures, over HTTP and TLS, with certificates that are right and wrong.
// FAULT_SERVER is what one that runs already says of itself, for tests that cannot start it.

const fs = require('node:fs');
const path = require('node:path');
const { printed, start } = require('./subprocess');
const use = require('./use');

const ROOT = path.resolve(__dirname, '../../..');

const binary = () => {
  const file = path.join(process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target'), 'debug', 'fault-server');
  if (!fs.existsSync(file)) {
    throw new Error(`the fault server is not built: ${file} does not exist. Build it with \`cargo build -p dynamodb-session-faults\`.`);
  }
  return file;
};

// What it says of itself: its `urls`, the certificate of its authority, and the secret that requests are signed with.
const startFaultServer = async () => {
  const { FAULT_SERVER: running } = process.env;
  if (running) return { ...JSON.parse(running), stop: async () => {} };
  const server = start(binary(), [], { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    const [hello] = await printed(server, /^\{.*\}$/m);
    return { ...JSON.parse(hello), stop: server.stop };
  } catch (err) {
    await server.stop();
    throw err;
  }
};

const useFaultServer = () => use(startFaultServer);

module.exports = { startFaultServer, useFaultServer };
