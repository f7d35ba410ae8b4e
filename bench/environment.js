'use strict';

// The machine and the versions of a run.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const { ROOT } = require('./plan.js');
const lock = require('./package-lock.json');

const output = (command, ...args) => execFileSync(command, args, { cwd: ROOT, encoding: 'utf8' }).trim();

/** The version of wrk. Its command to print it exits with an error code. */
function wrkVersion() {
  try {
    return /wrk \S+/.exec(output('bash', '-c', 'wrk -v 2>&1 || true'))?.[0];
  } catch {
    return undefined;
  }
}

const npmVersion = (name) => lock.packages[`node_modules/${name}`].version;

function crateVersion(name) {
  const text = fs.readFileSync(`${__dirname}/rust/Cargo.lock`, 'utf8');
  // The newest version in the file, which is the one that the subjects use.
  return [...text.matchAll(new RegExp(`name = "${name}"\nversion = "([^"]+)"`, 'g'))].pop()[1];
}

const memoryGb = () => Math.round(os.totalmem() / 2 ** 30);

function environment() {
  const isChanged = output('git', 'status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs') !== '';
  return {
    commit: `${output('git', 'rev-parse', '--short=12', 'HEAD')}${isChanged ? ', with changes' : ''}`,
    machine: `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, ${memoryGb()} GB, ${os.type()} ${os.release()} ${os.arch()}`,
    'Node.js': process.version,
    Rust: output('rustc', '--version').split(' ')[1],
    wrk: wrkVersion() ?? 'not installed',
    ...Object.fromEntries(['legacy', 'aws-sdk', 'connect-dynamodb', '@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb',
      'koa', 'koa-session'].map((name) => [
      name === 'legacy' ? 'koa-session-dynamodb-store (legacy)' : `${name} (npm)`, npmVersion(name)])),
    ...Object.fromEntries(['aws-sdk-dynamodb', 'tower-sessions-dynamodb-store', 'hyper']
      .map((name) => [`${name} (crate)`, crateVersion(name)])),
  };
}

module.exports = { environment, hasWrk: () => wrkVersion() !== undefined };
