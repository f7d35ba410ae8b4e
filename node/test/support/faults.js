'use strict';

// The scripted fault server of crates/dynamodb-session-faults as a process, and the table of faults that is played
// through it, in Rust and here. FAULT_SERVER names another binary.

const { once } = require('node:events');
const fs = require('node:fs');
const { Agent } = require('node:https');
const path = require('node:path');
const readline = require('node:readline');
const { start } = require('./subprocess');
const { unique } = require('./options');
const { rawTable } = require('./raw');

const ROOT = path.resolve(__dirname, '../../..');
const TABLE = path.join(ROOT, 'crates', 'dynamodb-session-faults', 'faults.json');

// Each row: what fails how, and what is expected of whom.
const rows = () => JSON.parse(fs.readFileSync(TABLE, 'utf8'));

const binary = () => {
  const file = process.env.FAULT_SERVER
    || path.join(process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target'), 'debug', 'fault-server');
  if (!fs.existsSync(file)) {
    throw new Error(`the fault server is not built: ${file} does not exist. `
      + 'Build it with `cargo build -p dynamodb-session-faults`, or set FAULT_SERVER to its path.');
  }
  return file;
};

// A server: where it is (`urls`), what makes its certificate good (`ca`) and requests to it (`secret`), the aliases of
// its imitation of KMS (`kms`), which answers at the same URLs, and commands.
const startFaultServer = async () => {
  const server = start(binary(), [], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = readline.createInterface({ input: server.child.stdout });
  const waiting = [];
  lines.on('line', (line) => waiting.shift()?.(JSON.parse(line)));
  const answer = () => new Promise((resolve, reject) => {
    waiting.push(resolve);
    server.ended.then(({ stderr }) => reject(new Error(`the fault server ended: ${stderr}`)), reject);
  });
  const command = async (what) => {
    server.child.stdin.write(`${JSON.stringify(what)}\n`);
    const { error, ...rest } = await answer();
    if (error) throw new Error(error);
    return rest;
  };
  const {
    urls, ca, secret, kms,
  } = await answer();
  // All is well from now on.
  const pass = async () => {
    await command({ script: [] });
    await command({ default: 'pass' });
  };
  return {
    urls,
    ca,
    secret,
    kms,
    // What happens to the requests to come, from one row or one that looks like it.
    async play({ script = [], default: others = 'pass', on = {} }) {
      await command({ default: others });
      for (const [operation, step] of Object.entries(on)) await command({ on: { operation, step } });
      await command({ script });
    },
    pass,
    // What was received since this was last asked, and what is left of the script.
    log: async () => (await command({ log: true })).log,
    // A table of its engine, past all faults.
    table: (name = unique('faults')) => rawTable(urls.engine, name),
    // Options of a store that asks it, and shares nothing with other stores.
    options: (name, { endpoint = 'http', httpOptions, ...more } = {}) => ({
      table: { name },
      dynamoConfig: {
        region: 'eu-central-1',
        endpoint: urls[endpoint],
        credentials: async () => ({ accessKeyId: 'KEY', secretAccessKey: secret }),
        customUserAgent: unique('app'),
        httpOptions: { ...(endpoint.startsWith('https') && { agent: new Agent({ ca }) }), ...httpOptions },
      },
      ...more,
    }),
    async stop() {
      const ended = once(server.child, 'exit');
      server.child.stdin.end();
      await ended;
    },
  };
};

module.exports = { rows, startFaultServer };
