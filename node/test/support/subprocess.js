'use strict';

// Child processes of the tests. Each is stopped by its own pid, at the latest when the test file ends. time-limit.js
// multiplies the limits of time.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const timeLimit = require('./time-limit');

const PACKAGE = path.resolve(__dirname, '../..');
const NOWHERE = path.join(__dirname, 'no-such-directory');

// Where the addon is instrumented, a process cannot load it without these: see .ci/sanitize.
const SANITIZER = ['LD_PRELOAD', 'ASAN_OPTIONS', 'LSAN_OPTIONS'].filter((name) => name in process.env);

// An environment without anything about AWS, so that a developer's own account is out of reach.
const cleanEnv = (more = {}) => ({
  ...Object.fromEntries(SANITIZER.map((name) => [name, process.env[name]])),
  PATH: process.env.PATH,
  HOME: NOWHERE,
  USERPROFILE: NOWHERE, // HOME on Windows
  AWS_CONFIG_FILE: path.join(NOWHERE, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: path.join(NOWHERE, 'credentials'),
  AWS_EC2_METADATA_DISABLED: 'true',
  ...more,
});

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// Starts a command. `output` is what it has printed so far, `ended` settles with all there is to know of its end.
const start = (command, args, options = {}) => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const output = { stdout: '', stderr: '' };
  ['stdout', 'stderr'].forEach((name) => {
    child[name].setEncoding('utf8');
    child[name].on('data', (text) => { output[name] += text; });
  });
  running.add(child);
  const ended = new Promise((resolve, reject) => {
    child.once('error', (err) => {
      running.delete(child);
      reject(err);
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, ...output });
    });
  });
  ended.catch(() => {});
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 5000);
    await once(child, 'exit');
    clearTimeout(force);
  };
  return {
    child, output, ended, stop,
  };
};

// Waits for a line that `pattern` matches; the match.
const printed = (started, pattern, ms = 20000) => new Promise((resolve, reject) => {
  const { child, output } = started;
  const give = (settle, value) => {
    clearTimeout(timer);
    child.stdout.removeListener('data', look);
    settle(value);
  };
  const fail = (reason) => give(reject, new Error(`${reason}; it printed: ${output.stdout}${output.stderr}`));
  const look = () => {
    const match = pattern.exec(output.stdout);
    if (match) give(resolve, match);
  };
  const limit = timeLimit(ms);
  const timer = setTimeout(() => fail(`no line like ${pattern} within ${limit} ms`), limit);
  child.stdout.on('data', look);
  started.ended.then(({ code, signal }) => fail(`ended with ${signal || code} before a line like ${pattern}`), fail);
  look();
});

// Runs a function in a Node process of its own, as the main script: it is given the package and `args` (as JSON).
// Everything it uses it must require itself.
// `limits` are options of `ulimit`.
const startScript = (body, args = [], {
  env = {}, flags = [], ipc = false, limits,
} = {}) => {
  const source = `(${body})(require(${JSON.stringify(PACKAGE)}), ...${JSON.stringify(args)});`;
  const command = [process.execPath, ...flags, '-e', source];
  const [first, ...rest] = limits ? ['sh', '-c', `ulimit ${limits} && exec "$0" "$@"`, ...command] : command;
  return start(first, rest, {
    cwd: PACKAGE,
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])],
  });
};

// The same, to its end, which has to come by itself within `ms`. With `ipc`, `onMessage(child)` answers it.
const runScript = async (body, args, { ms = 20000, onMessage, ...options } = {}) => {
  const started = startScript(body, args, options);
  if (onMessage) started.child.on('message', () => onMessage(started.child));
  const limit = timeLimit(ms);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    started.child.kill('SIGKILL');
  }, limit);
  const end = await started.ended;
  clearTimeout(timer);
  if (late) throw new Error(`the script did not end by itself within ${limit} ms; it printed: ${end.stdout}${end.stderr}`);
  return end;
};

module.exports = {
  PACKAGE, cleanEnv, printed, runScript, start, startScript,
};
