#!/usr/bin/env node

'use strict';

/**
 * The `bin` of koa-session-dynamodb-store: runs the program `dynamodb-session`, which is larger than everything else
 * together and which no application needs in production. So it is in packages of its own, fetched when it is asked for.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { name, version, optionalDependencies } = require('../package.json');

const CLI = `${name}-cli`;
const BIN = 'bin/dynamodb-session.js';

/** The exit codes of the program have this meaning too: see docs/cli.md. */
const OTHER = 70;

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(OTHER);
}

/** In the application, or beside this package. */
function installed() {
  try {
    return require.resolve(`${CLI}/${BIN}`, { paths: [process.cwd(), __dirname] });
  } catch {
    return undefined;
  }
}

/** In npm's cache, as npx does. The program itself is not run by npm: its arguments and signals would pass a shell. */
function fetched() {
  // The name is free until it is published: whatever has it then is not ours.
  if (!optionalDependencies) {
    return fail(`the program dynamodb-session is not installed. Install the file ${CLI}-${version}.tgz, which was packed beside this package: npm install --save-dev`);
  }
  console.error(`Fetching ${CLI}@${version}. To keep it in the project: npm install --save-dev ${CLI}@${version}`);
  const args = ['exec', '--yes', `--package=${CLI}@${version}`, '--', 'node', '-p', 'process.env.PATH'];
  // npm is a script on Windows, which only a shell can run. No argument here has anything that a shell would change.
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' };
  try {
    const places = execFileSync('npm', args, options).trim().split(path.delimiter);
    return places.map((bin) => path.join(bin, '..', CLI, BIN)).find((file) => fs.existsSync(file));
  } catch {
    return undefined;
  }
}

const program = installed() ?? fetched()
  ?? fail(`the program dynamodb-session could not be fetched. Install it: npm install --save-dev ${CLI}@${version}`);
require(program); // eslint-disable-line import/no-dynamic-require -- it is in another package
