'use strict';

/* eslint-disable no-console -- a program: the console is where it talks */

// `make demo` runs this: the local DynamoDB engine, and the app on it. Ctrl-C stops both.
// With DYNAMODB_ENDPOINT, or DEMO_AWS=1 for a real account, it starts no engine.

const { spawn } = require('child_process');
const fs = require('fs');
const net = require('net');
const path = require('path');
const { start, run, dataDir } = require('./server');

const READY_MS = 15000;
const STOP_MS = 5000;
const ROOT = path.join(__dirname, '..', '..');

const engineBinary = (env) => {
  const name = `dynamodb-session${process.platform === 'win32' ? '.exe' : ''}`;
  const places = env.DYNAMODB_SESSION_BIN
    ? [env.DYNAMODB_SESSION_BIN]
    : ['release', 'debug'].map((profile) => path.join(ROOT, 'target', profile, name));
  const found = places.find((file) => fs.existsSync(file));
  if (!found) throw new Error(`the local engine is not built (looked for ${places.join(', ')}). Run \`make demo\`.`);
  return found;
};

const isTaken = (port) => new Promise((resolve) => {
  const probe = net.createServer();
  probe.once('error', (err) => resolve(err.code === 'EADDRINUSE'));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)));
});

const stopChild = (child) => new Promise((resolve) => {
  if (child.exitCode !== null || child.signalCode !== null) {
    resolve();
    return;
  }
  child.once('exit', resolve);
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
});

// Starts the engine. Resolves with the process and its URL as soon as the engine is ready.
const startEngine = (binary, port, data) => new Promise((resolve, reject) => {
  const child = spawn(binary, ['local', '--port', String(port), '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] });
  process.on('exit', () => child.kill()); // the engine ends with this process
  const timer = setTimeout(() => child.kill(), READY_MS);
  let out = '';
  let problem = '';
  child.stderr.on('data', (chunk) => { problem += chunk; });
  child.stdout.on('data', (chunk) => {
    out += chunk;
    const [, url] = out.match(/(http:\/\/[^\s/]+:\d+).*\n/) || [];
    if (!url) return;
    clearTimeout(timer);
    child.stdout.removeAllListeners('data').resume();
    child.stderr.removeAllListeners('data').pipe(process.stderr);
    resolve({ child, url });
  });
  child.once('error', reject);
  child.once('exit', (code, signal) => {
    clearTimeout(timer);
    reject(new Error(problem.trim() || `the local engine stopped (${signal || code}) before it was ready`));
  });
});

async function startEngineOnAnyPort(env) {
  const binary = engineBinary(env);
  const data = path.join(dataDir(env), 'sessions.db');
  fs.mkdirSync(dataDir(env), { recursive: true, mode: 0o700 });
  const port = Number(env.ENGINE_PORT || 8000);
  try {
    return await startEngine(binary, port, data);
  } catch (err) {
    if (port === 0 || !await isTaken(port)) throw err;
    console.log(`Port ${port} is taken; the local engine chooses another.`);
    return startEngine(binary, 0, data);
  }
}

run(async () => {
  const { env } = process;
  const engine = env.DYNAMODB_ENDPOINT || env.DEMO_AWS === '1' ? null : await startEngineOnAnyPort(env);
  const app = await start(engine ? { ...env, DYNAMODB_ENDPOINT: engine.url } : env);
  let stopping = false;
  engine?.child.once('exit', () => {
    if (stopping) return;
    console.error('The local engine stopped.');
    process.exit(1);
  });
  if (engine) console.log(`Local engine: ${engine.url}, data in ${dataDir(env)}`);
  console.log(`Sessions live in ${app.where}\n\n  Open ${app.url}\n\nCtrl-C stops everything.`);
  return async () => {
    stopping = true;
    await app.stop();
    if (engine) await stopChild(engine.child);
  };
});
