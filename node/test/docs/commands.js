'use strict';

// Snippets that are not run as they stand, because CI runs the same.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { promisify } = require('node:util');
const { cleanEnv } = require('../support/subprocess');
const { ROOT, commandsOf, read } = require('./markdown');

const TARGET = process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target');
const run = promisify(execFile);

// `make …`: the targets exist, and `make help` lists them.
const makes = (t, snippet) => commandsOf(snippet).forEach((line) => {
  const [, target] = /^(?:[A-Z_]+=\S+ )?make ([\w-]+)$/.exec(line.trim());
  assert.match(read('Makefile'), new RegExp(`^${target}:.*## `, 'm'));
});

// The program of a Rust example: the page shows the same text, except for what lints want.
function isExample({ text, marker }) {
  const [, crate, name] = marker.split(' ');
  const source = read(`crates/${crate}/examples/${name}.rs`);
  assert.equal(text.trim(), source.replace(/^#!\[expect\((?:.|\n)*?\)\]$|^\/\/!.*$/gm, '').trim());
  return { crate, name };
}

// Builds the example. What it prints, if it is run with an environment.
async function builds({ crate, name }, env) {
  const args = ['build', '--locked', '--quiet', '--package', crate, '--example', name];
  await run('cargo', args, { cwd: ROOT });
  if (!env) return undefined;
  const { stdout } = await run(path.join(TARGET, 'debug', 'examples', name), [], { env: cleanEnv(env) });
  return stdout;
}

module.exports = {
  TARGET, builds, isExample, makes, run,
};
