'use strict';

// What someone reads whose addon cannot be loaded.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  TOOLS, builtInPlace, emptyProject, installed, platforms, published, registry, run,
} = require('./helper');

// Requires the package in a child process; answers the error's message.
async function failure({ project, env }, prelude = '') {
  const script = `${prelude}; try { require('koa-session-dynamodb-store'); } catch (err) { console.log(err.message); }`;
  const { stdout } = await run(path.join(env.PATH, 'node'), ['-e', script], { cwd: project, env });
  assert.notEqual(stdout, '', 'it loaded');
  return stdout;
}

const [platform] = Object.keys(builtInPlace());
const addonIn = ({ project }) => path.join(project, 'node_modules/koa-session-dynamodb-store', `koa-session-dynamodb-store.${platform}.node`);

test('an error on an unsupported platform lists those that are supported', async (t) => {
  const made = await installed(t);
  for (const [system, arch] of [['sunos', 'x64'], ['linux', 's390x'], ['win32', 'ia32']]) {
    const message = await failure(made, `
      Object.defineProperty(process, 'platform', { value: '${system}' });
      Object.defineProperty(process, 'arch', { value: '${arch}' })`);
    assert.match(message, new RegExp(`${system}.${arch}`));
    platforms.forEach(({ name }) => assert.ok(message.includes(name), `${name} in: ${message}`));
  }
});

// npm 10 makes the lock file of what is in node_modules: of the platform it runs on.
test('what the error advises cures a lock file of another platform', async (t) => {
  const { main, platforms: others } = published(t);
  const { url } = await registry(t, [main, ...others]);
  const { project, env } = emptyProject(t);
  const install = (...args) => run(
    path.join(env.PATH, 'node'),
    [path.join(TOOLS, 'npm-10/bin/npm-cli.js'), 'install', ...args, '--no-audit', '--no-fund', '--registry', url, '--cache', '../cache'],
    { cwd: project, env },
  );
  const remove = (name) => fs.rmSync(path.join(project, name), { recursive: true });
  await install('koa-session-dynamodb-store', '--os=darwin', '--cpu=arm64');
  remove('package-lock.json');
  await install('--os=darwin', '--cpu=arm64');
  remove('node_modules');
  await install();
  const message = await failure({ project, env });
  assert.ok(message.includes(`koa-session-dynamodb-store-${platform}`), message);
  assert.match(message, /is not installed/);
  assert.match(message, /--omit=optional/);
  assert.match(message, /Delete node_modules and the lock file, and install again/);
  remove('node_modules');
  remove('package-lock.json');
  await install();
  await assert.rejects(failure({ project, env }), /it loaded/);
});

test('a package that was packed for another platform says which one it holds', async (t) => {
  const made = await installed(t);
  fs.renameSync(addonIn(made), addonIn(made).replace(platform, 'darwin-arm64'));
  const message = await failure(made);
  assert.match(message, /no binary for linux-x64: it was packed with koa-session-dynamodb-store\.darwin-arm64\.node only\. Pack it/);
});

test('an addon that is not one shows the loader\'s own error', async (t) => {
  const made = await installed(t);
  fs.writeFileSync(addonIn(made), 'this is no addon\n');
  assert.match(await failure(made), /invalid ELF header|file too short/);
});

test('a truncated addon shows the loader\'s own error', async (t) => {
  const made = await installed(t);
  fs.truncateSync(addonIn(made), 32); // cut further on, it can kill the system's loader
  assert.match(await failure(made), /file too short/);
});
