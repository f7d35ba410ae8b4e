#!/usr/bin/env node

'use strict';

/**
 * The `bin` of koa-session-dynamodb-store-cli: runs the program `dynamodb-session` of this platform. Its arguments,
 * streams, signals and exit code are those of the program.
 */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { name: NAME, version, optionalDependencies = {} } = require('../package.json');

const { platform, arch } = process;
const FILE = `dynamodb-session${platform === 'win32' ? '.exe' : ''}`;

/** The exit codes of the program have these meanings too: see docs/cli.md. */
const OTHER = 70;

/** How often it is looked whether the parent still runs. */
const ORPHANED_MS = 500;

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(OTHER);
}

/** The packages with a program for this platform. */
function packages() {
  const libc = platform === 'linux' ? `-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}` : '';
  const here = `${NAME}-${platform}-${arch}${libc}`;
  return Object.keys(optionalDependencies).filter((name) => name === here || (!libc && name.startsWith(`${here}-`)));
}

function find() {
  const inside = path.join(__dirname, '..', FILE);
  if (fs.existsSync(inside)) return inside;
  const candidates = packages();
  if (candidates.length === 0) {
    const supported = Object.keys(optionalDependencies).map((name) => name.slice(NAME.length + 1)).join(', ');
    return fail(`dynamodb-session has no program for ${platform}-${arch}${supported && `. Supported: ${supported}`}. With Rust it can be built: cargo install dynamodb-session-cli`);
  }
  for (const candidate of candidates) {
    try {
      return require.resolve(`${candidate}/${FILE}`);
    } catch {
      // The next one, or the message below.
    }
  }
  return fail(`the program dynamodb-session is not installed: ${candidates.join(' or ')}. Install ${NAME}@${version} again on this platform, without --omit=optional (--no-optional).`);
}

const program = find();
const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
child.once('error', (error) => fail(`the program dynamodb-session cannot be run: ${error.message}`));

// This process ends after the program. Ctrl-C reaches both of them. A signal that is sent to this process alone is
// passed on. On Windows that would end the program at once, and there is no signal besides Ctrl-C.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const passOn = (signal) => { if (platform !== 'win32') child.kill(signal); };
SIGNALS.forEach((signal) => process.on(signal, passOn));

// npx runs a shell, and the shell runs this process. A signal to npx alone ends the shell, which passes nothing on.
if (process.env.npm_command === 'exec') {
  const shell = process.ppid;
  setInterval(() => { if (process.ppid !== shell) child.kill(); }, ORPHANED_MS).unref();
}

child.once('exit', (code, signal) => {
  if (signal === null) {
    process.exitCode = code;
    return;
  }
  SIGNALS.forEach((each) => process.off(each, passOn));
  process.kill(process.pid, signal);
});
