'use strict';

// What someone reads whose addon cannot be loaded.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  installed, packHere, platforms, run,
} = require('./helper');

// Requires the package in a child process; answers the error's message.
async function failure({ project, env }, prelude = '') {
  const script = `${prelude}; try { require('koa-session-dynamodb-store'); } catch (err) { console.log(err.message); }`;
  const { stdout } = await run(path.join(env.PATH, 'node'), ['-e', script], { cwd: project, env });
  assert.notEqual(stdout, '', 'it loaded');
  return stdout;
}

const addonOf = (project, { manifest }) => path.join(project, 'node_modules', manifest.name, manifest.main);

test('an error on an unsupported platform lists those that are supported', async (t) => {
  const made = await installed(t);
  for (const [platform, arch] of [['sunos', 'x64'], ['linux', 's390x'], ['win32', 'ia32']]) {
    const message = await failure(made, `
      Object.defineProperty(process, 'platform', { value: '${platform}' });
      Object.defineProperty(process, 'arch', { value: '${arch}' })`);
    assert.match(message, new RegExp(`${platform}.${arch}`));
    platforms.forEach(({ name }) => assert.ok(message.includes(name), `${name} in: ${message}`));
  }
});

test('a platform whose package was not installed is named, with what to do', async (t) => {
  const packed = packHere();
  const made = await installed(t);
  const [{ manifest }] = packed.platforms;
  fs.rmSync(path.join(made.project, 'node_modules', manifest.name), { recursive: true });
  const message = await failure(made);
  assert.ok(message.includes(manifest.name), message);
  assert.match(message, /is not installed/);
  assert.match(message, /--omit=optional/);
});

test('an addon that is not one shows the loader\'s own error', async (t) => {
  const packed = packHere();
  const made = await installed(t);
  fs.writeFileSync(addonOf(made.project, packed.platforms[0]), 'this is no addon\n');
  assert.match(await failure(made), /invalid ELF header|file too short/);
});

test('a truncated addon shows the loader\'s own error', async (t) => {
  const packed = packHere();
  const made = await installed(t);
  fs.truncateSync(addonOf(made.project, packed.platforms[0]), 32); // cut further on, it can kill the system's loader
  assert.match(await failure(made), /file too short/);
});
