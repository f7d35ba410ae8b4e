'use strict';

/**
 * Runs the tests, after building what is missing.
 *
 *   node scripts/test.js [FOLDER ...]
 *
 * Without a folder of `test`: all but those that need a release build (`packaging`) or a browser. `make test` runs
 * these as well.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');
const TESTS = path.join(ROOT, 'test');
const LEFT_OUT = ['browser', 'packaging'];

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const testsIn = (folder) => fs.readdirSync(path.join(TESTS, folder), { recursive: true })
  .filter((name) => name.endsWith('.test.js') && !name.includes('node_modules'))
  .map((name) => path.join(TESTS, folder, name));

const given = process.argv.slice(2);
const all = fs.readdirSync(TESTS).filter((folder) => !LEFT_OUT.includes(folder) && testsIn(folder).length > 0);
const folders = given.length > 0 ? given : all;

if (!fs.readdirSync(ROOT).some((name) => name.endsWith('.node'))) run('node', ['scripts/build.js']);
run('node', ['scripts/bundle.js']);
run('cargo', ['build', '--quiet', '--package', 'dynamodb-session-cli', '--package', 'dynamodb-session-faults']);
console.log(`tests: ${folders.join(', ')}${given.length > 0 ? '' : `; not ${LEFT_OUT.join(', ')}: make test runs them`}`);
run('node', ['--test', '--test-reporter=spec', ...folders.flatMap(testsIn).sort()]);
