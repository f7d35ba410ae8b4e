'use strict';

// What someone reads whose addon cannot be loaded: one message, with the cure, that names the page of the manual.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  NAME, PLATFORM, PUBLISHED, TOOLS,
  builtInPlace, emptyProject, installed, packForRegistry, platforms, published, registry, run, temporary,
} = require('./helper');
const { inspect, rename, setMachine } = require('./elf');

const [ADDON] = Object.values(builtInPlace());
const PACK_AGAIN = /Pack it on this platform, and install it again\./;
const INSTALL_AGAIN = /Delete node_modules and the lock file, and install again on this platform\./;

// Requires the package in a child process; answers the error's message.
async function failure({ project, env }, prelude = '') {
  const script = `${prelude}; try { require('${NAME}'); } catch (err) { console.log(err.code); console.log(err.message); }`;
  const { stdout, stderr } = await run(path.join(env.PATH, 'node'), ['-e', script], { cwd: project, env });
  assert.notEqual(stdout, '', 'it loaded');
  assert.equal(stderr, '');
  const [code, ...message] = stdout.trim().split('\n');
  assert.equal(code, 'ERR_DYNAMODB_SESSION_BINDING');
  assert.match(message.join('\n'), / See docs\/installing\.md in the repository\.$/);
  return message.join('\n');
}

test('an error on an unsupported platform lists those that are supported', async (t) => {
  const made = await installed(t);
  for (const [system, arch] of [['sunos', 'x64'], ['linux', 's390x'], ['win32', 'ia32']]) {
    const message = await failure(made, `
      Object.defineProperty(process, 'platform', { value: '${system}' });
      Object.defineProperty(process, 'arch', { value: '${arch}' })`);
    assert.match(message, new RegExp(`has no binary for ${system}-${arch}\\. Supported: `));
    platforms.forEach(({ name }) => assert.ok(message.includes(name), `${name} in: ${message}`));
  }
});

describe('a lock file of another platform', () => {
  // npm makes the lock file of what is in node_modules there. Answers what helps to go on here.
  async function lockedElsewhere(t, npm) {
    const { main, platforms: others } = published();
    const { url } = await registry(t, [main, ...others]);
    const { project, env } = emptyProject(t);
    const install = (...args) => run(
      path.join(env.PATH, 'node'),
      [path.join(TOOLS, npm, 'bin/npm-cli.js'), 'install', ...args, '--no-audit', '--no-fund', '--registry', url, '--cache', '../cache'],
      { cwd: project, env },
    );
    const remove = (name) => fs.rmSync(path.join(project, name), { recursive: true });
    await install(NAME, '--os=darwin', '--cpu=arm64');
    remove('package-lock.json');
    await install('--os=darwin', '--cpu=arm64');
    remove('node_modules');
    await install();
    return { made: { project, env }, remove, install };
  }

  test('npm 10: what the error advises cures it', async (t) => {
    const { made, remove, install } = await lockedElsewhere(t, 'npm-10');
    const message = await failure(made);
    assert.ok(message.includes(`${NAME}-${PLATFORM}`), message);
    assert.match(message, /is not installed/);
    assert.match(message, /--omit=optional/);
    assert.match(message, INSTALL_AGAIN);
    remove('node_modules');
    remove('package-lock.json');
    await install();
    await assert.rejects(failure(made), /it loaded/);
  });

  test('npm 11: it works', async (t) => {
    const { made } = await lockedElsewhere(t, 'npm-11');
    await assert.rejects(failure(made), /it loaded/);
  });
});

test('a package that was packed for another platform says which one it holds', async (t) => {
  const made = await installed(t);
  fs.renameSync(made.addon, made.addon.replace(PLATFORM, 'darwin-arm64'));
  const message = await failure(made);
  assert.match(message, /no binary for linux-x64: it was packed with koa-session-dynamodb-store\.darwin-arm64\.node only\./);
  assert.match(message, PACK_AGAIN);
});

/** What can be wrong with the addon's file, each with what the message says of it. */
const DAMAGES = {
  'is no addon': [() => Buffer.from('this is no addon\n'), /invalid ELF header|file too short/],
  'is empty': [() => Buffer.alloc(0), /file too short/],
  'is all zeros': [(whole) => Buffer.alloc(whole.length), /invalid ELF header/],
  'is for another processor': [(whole) => setMachine(whole, 'arm64'), /cannot open shared object file/],
};
// Without a check the system's loader ends the process for most of these.
const LENGTHS = [1, 63, 64, 500, 1000, 4096, 100000, 2 ** 20, -(2 ** 20), -4096, -64, -1];
LENGTHS.forEach((length) => {
  DAMAGES[`ends after ${length} bytes`] = [(whole) => whole.subarray(0, length), /truncated|file too short/];
});

describe('a damaged addon', () => {
  for (const [what, [damaged, reason]] of Object.entries(DAMAGES)) {
    test(what, async (t) => {
      const made = await installed(t);
      fs.writeFileSync(made.addon, damaged(fs.readFileSync(ADDON)));
      const message = await failure(made);
      assert.match(message, new RegExp(`The binary of ${NAME} for ${PLATFORM} cannot be loaded: `));
      assert.match(message, reason);
      assert.match(message, /the file is truncated\.|The file is damaged, or for another processor\./);
      assert.match(message, PACK_AGAIN);
    });
  }

  test('in a package of its own', async (t) => {
    const made = await installed(t, PUBLISHED);
    fs.truncateSync(made.addon, 2 ** 20);
    const message = await failure(made);
    assert.match(message, /cannot be loaded: the file is truncated\. Delete/);
    assert.match(message, INSTALL_AGAIN);
  });
});

test('an addon that needs a newer glibc says which, and which there is', async (t) => {
  const made = await installed(t);
  const versions = Object.values(inspect(ADDON).needed).flat().filter((version) => /^GLIBC_2\.\d\d$/.test(version));
  fs.writeFileSync(made.addon, rename(fs.readFileSync(ADDON), versions.sort().at(-1), 'GLIBC_2.99'));
  const { glibcVersionRuntime } = process.report.getReport().header;
  assert.ok((await failure(made)).includes(`It needs glibc 2.99 or newer, and this system has ${glibcVersionRuntime}. Use a newer system`));
});

test('an addon whose library the system lacks names it', async (t) => {
  const made = await installed(t);
  fs.writeFileSync(made.addon, rename(fs.readFileSync(ADDON), 'libgcc_s.so.1', 'libgcc_x.so.1'));
  assert.match(await failure(made), /cannot be loaded: libgcc_x\.so\.1: .*\. This system lacks the library libgcc_x\.so\.1: install it/);
});

describe('an addon for the other C library', () => {
  // As the addon for musl is linked.
  const forMusl = () => rename(fs.readFileSync(ADDON), 'libc.so.6', 'libc.so');
  const musl = PLATFORM.replace(/-gnu$/, '-musl');

  test('the package was packed on Alpine, and runs on glibc', async (t) => {
    const made = await installed(t);
    fs.rmSync(made.addon);
    fs.writeFileSync(made.addon.replace(PLATFORM, musl), forMusl());
    const message = await failure(made);
    assert.match(message, new RegExp(`for ${musl} cannot be loaded: .*libc\\.so`));
    assert.match(message, /It is for musl, and this system has glibc\./);
    assert.match(message, PACK_AGAIN);
  });

  test('the package was installed on Alpine, and runs on glibc', async (t) => {
    const made = await installed(t, PUBLISHED);
    const file = path.join(temporary(t), 'addon.node');
    fs.writeFileSync(file, forMusl());
    const { platforms: [{ file: tarball }] } = packForRegistry(temporary(t), { [musl]: file });
    const folder = path.dirname(made.addon);
    fs.rmSync(folder, { recursive: true });
    const other = folder.replace(PLATFORM, musl);
    fs.mkdirSync(other);
    await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', other]);
    const message = await failure(made);
    assert.match(message, /It is for musl, and this system has glibc\./);
    assert.match(message, INSTALL_AGAIN);
  });

  // In place of a system with musl: what Node.js reports there, and what musl 1.2.5 says of the addon for glibc.
  test('the package was installed on glibc, and runs on Alpine', async (t) => {
    const made = await installed(t, PUBLISHED);
    fs.rmSync(made.addon);
    const said = `Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by ${made.addon})`;
    const folder = path.dirname(made.addon);
    fs.writeFileSync(path.join(folder, 'package.json'), '{}');
    fs.writeFileSync(path.join(folder, 'index.js'), `throw Object.assign(new Error('${said}'), { code: 'ERR_DLOPEN_FAILED' });`);
    const message = await failure(made, 'process.report.getReport = () => ({ header: {} })');
    assert.ok(message.includes(said));
    assert.match(message, /It is for glibc, and this system has musl\./);
    assert.match(message, INSTALL_AGAIN);
  });
});
