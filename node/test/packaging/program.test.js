'use strict';

// `npx koa-session-dynamodb-store`: the program, from the packed packages, in empty projects.

const {
  after, before, describe, test,
} = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { packProgram, packProgramForRegistry } = require('../../scripts/pack');
const { printed, start } = require('../support/subprocess');
const {
  NODE_DIR, TOOLS, builtInPlace, emptyProject, npm, packHere, platforms, published, registry, run, temporary,
} = require('./helper');

const SMOKE = path.join(__dirname, 'smoke.js');
const [HERE] = Object.keys(builtInPlace());
const BUILT = path.join(process.env.CARGO_TARGET_DIR || path.join(NODE_DIR, '../target'), 'debug', 'dynamodb-session');
const NPX = path.join(path.dirname(fs.realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())), 'npx-cli.js');

/** In place of a test, for what all tests of this file share. */
const cleanups = [];
const file = { after: (cleanup) => cleanups.push(cleanup) };
after(() => cleanups.forEach((cleanup) => cleanup()));

/**
 * `published`: all packages as they will be, with this machine's binaries, and something else for the other platforms.
 * `whole`: the program in a package that needs no other one.
 */
const packed = {};

before(() => {
  const program = path.join(temporary(file), 'dynamodb-session');
  execFileSync('strip', ['-o', program, BUILT]);
  fs.chmodSync(program, 0o644); // as it is after a download
  const other = path.join(temporary(file), 'other');
  fs.writeFileSync(other, 'of another platform');
  const programs = Object.fromEntries(platforms.map(({ name }) => [name, name === HERE ? program : other]));
  packed.published = [published(file), packProgramForRegistry(temporary(file), programs)]
    .flatMap((each) => [each.main, ...each.platforms]);
  packed.whole = packProgram(temporary(file), { [HERE]: program });
});

/** A project beside a registry that has these packages. Nothing is left in npm's own cache. */
async function projectWith(t, packages) {
  const { project, env } = emptyProject(t);
  const { url, asked } = await registry(t, packages);
  const home = path.dirname(project);
  const own = { npm_config_registry: url, npm_config_cache: path.join(home, 'cache'), HOME: home };
  return { project, env: { ...env, ...own }, asked };
}

const bin = ({ project }, name = 'koa-session-dynamodb-store') => path.join(project, 'node_modules/.bin', name);
/** Runs npx, as the leader of a group that Ctrl-C reaches. */
function npx(t, { project, env }, ...args) {
  const running = start(path.join(env.PATH, 'node'), [NPX, ...args], { cwd: project, env, detached: true });
  t.after(() => {
    try {
      process.kill(-running.child.pid, 'SIGKILL');
    } catch {
      // Nothing of it runs any more.
    }
  });
  return running;
}

const isOpen = (endpoint) => new Promise((resolve) => {
  const { hostname, port } = new URL(endpoint);
  const socket = net.connect(port, hostname, () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

/** The engine runs: a store of the project reads what it wrote. `end` ends it; what is left is one data file. */
async function usedUntil(made, running, data, end) {
  const [endpoint] = await printed(running, /http:\/\/[\d.:]+/);
  fs.copyFileSync(SMOKE, path.join(made.project, 'smoke.js'));
  const { stdout } = await run(path.join(made.env.PATH, 'node'), ['smoke.js', endpoint], { cwd: made.project, env: made.env });
  assert.match(stdout, /^smoke passed/);
  end(running.child.pid);
  const ended = await running.ended;
  assert.equal(await isOpen(endpoint), false, 'the engine outlived the command');
  assert.deepEqual(fs.readdirSync(path.dirname(data)), [path.basename(data)], 'the engine did not stop cleanly');
  return ended;
}

const ctrlC = (pid) => process.kill(-pid, 'SIGINT');

/** npx can end by the signal itself, after what it has run. */
const isStopped = ({ code, signal, stderr }) => assert.ok(code === 0 || signal === 'SIGINT', stderr);

/** What a command that ends by itself has printed, and its exit code. */
const outcome = ({ project, env }, command, ...args) => start(command, args, { cwd: project, env }).ended;

/** Runs the program's package as it runs on Windows. */
function asOnWindows(made, ...args) {
  const windows = path.join(made.project, 'windows.js');
  fs.writeFileSync(windows, 'Object.defineProperty(process, "platform", { value: "win32" });');
  return outcome(made, path.join(made.env.PATH, 'node'), '--require', windows, bin(made, 'dynamodb-session'), ...args);
}

test('publint has nothing to say about its packages', async () => {
  const main = packed.published.find(({ manifest }) => manifest.name === 'koa-session-dynamodb-store-cli');
  for (const { file: tarball } of [packed.whole, main]) {
    const { stdout } = await run(path.join(NODE_DIR, 'node_modules/.bin/publint'), [tarball, '--strict']);
    assert.match(stdout, /All good/);
  }
});

describe('from a registry', () => {
  test('npx runs the engine out of the main package alone, until Ctrl-C', async (t) => {
    const made = await projectWith(t, packed.published);
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store');
    assert.ok(!fs.existsSync(path.join(made.project, 'node_modules/koa-session-dynamodb-store-cli')), 'the size of every installation');
    const data = path.join(temporary(t), 'sessions.db');
    const running = npx(t, made, 'koa-session-dynamodb-store', 'local', '--port', '0', '--data', data);
    const ended = await usedUntil(made, running, data, ctrlC);
    isStopped(ended);
    assert.match(ended.stderr, /^Fetching koa-session-dynamodb-store-cli@.* npm install --save-dev koa-session-dynamodb-store-cli@/);
  });

  test('a program that the project has is not fetched', async (t) => {
    const made = await projectWith(t, packed.published);
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store', 'koa-session-dynamodb-store-cli');
    const installed = fs.readdirSync(path.join(made.project, 'node_modules')).filter((name) => name.includes('-cli'));
    assert.deepEqual(installed, ['koa-session-dynamodb-store-cli', `koa-session-dynamodb-store-cli-${HERE}`]);
    made.asked.length = 0;
    for (const name of ['koa-session-dynamodb-store', 'dynamodb-session']) {
      const { code, stdout, stderr } = await outcome(made, bin(made, name), '--version');
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `dynamodb-session ${packHere().manifest.version}\n`, stderr: '' });
    }
    assert.deepEqual(made.asked, []);
  });

  test('it says what to install if it cannot be fetched', async (t) => {
    const made = await projectWith(t, packed.published.filter(({ manifest }) => !manifest.name.includes('-cli')));
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store');
    const { code, stderr } = await outcome(made, bin(made), 'local');
    assert.equal(code, 70);
    assert.match(stderr, /error: the program dynamodb-session could not be fetched. Install it: npm install --save-dev koa-session-dynamodb-store-cli@/);
  });

  test('it says what to do if the package of the platform was left out', async (t) => {
    const made = await projectWith(t, packed.published);
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store-cli', '--omit=optional');
    const { code, stderr } = await outcome(made, bin(made, 'dynamodb-session'), 'local');
    assert.equal(code, 70);
    assert.ok(stderr.startsWith(`error: the program dynamodb-session is not installed: koa-session-dynamodb-store-cli-${HERE}. Install`), stderr);
  });

  test('on Windows it runs the .exe of its package', async (t) => {
    const made = await projectWith(t, packed.published);
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store-cli');
    const folder = path.join(made.project, 'node_modules/koa-session-dynamodb-store-cli-win32-x64-msvc');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'package.json'), '{}');
    fs.writeFileSync(path.join(folder, 'dynamodb-session.exe'), '#!/bin/sh\necho "ran $@"; exit 3\n', { mode: 0o755 });
    const { code, stdout } = await asOnWindows(made, 'table', 'describe');
    assert.deepEqual({ code, stdout }, { code: 3, stdout: 'ran table describe\n' });
  });

  // Each finds a package in a way of its own: in archives, and beside the packages that depend on it only.
  const MANAGERS = {
    'yarn 4, without node_modules,': ['@yarnpkg/cli-dist/bin/yarn.js', 'run'],
    pnpm: ['pnpm/bin/pnpm.cjs', 'exec'],
  };
  for (const [name, [script, exec]] of Object.entries(MANAGERS)) {
    test(`${name} runs a program that the project has`, async (t) => {
      const made = await projectWith(t, packed.published);
      fs.writeFileSync(path.join(made.project, 'yarn.lock'), '');
      const settings = {
        YARN_ENABLE_GLOBAL_CACHE: 'false',
        YARN_ENABLE_TELEMETRY: 'false',
        YARN_GLOBAL_FOLDER: path.join(made.env.HOME, 'yarn'),
        YARN_NPM_MINIMAL_AGE_GATE: '0',
        YARN_NPM_REGISTRY_SERVER: made.env.npm_config_registry,
        YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
        npm_config_store_dir: path.join(made.env.HOME, 'store'),
        PATH: `${made.env.PATH}:/usr/bin:/bin`, // pnpm's scripts need more than a shell
      };
      const within = { ...made, env: { ...made.env, ...settings } };
      const manager = (...args) => outcome(within, path.join(made.env.PATH, 'node'), path.join(TOOLS, script), ...args);
      const { code, stdout, stderr } = await manager('add', 'koa-session-dynamodb-store', 'koa-session-dynamodb-store-cli');
      assert.equal(code, 0, stdout + stderr);
      const version = await manager(exec, 'koa-session-dynamodb-store', '--version');
      assert.match(version.stdout, /^dynamodb-session \d/, version.stdout + version.stderr);
      assert.equal(version.code, 0);
    });
  }
});

describe('from the tarballs', () => {
  test('the main one asks no registry for the program, and names the file to install', async (t) => {
    const made = await projectWith(t, []);
    await npm(made.project, made.env, 'install', packHere().file);
    made.asked.length = 0;
    const { code, stderr } = await outcome(made, bin(made), 'local');
    assert.equal(code, 70);
    assert.ok(stderr.includes(path.basename(packed.whole.file)), stderr);
    assert.deepEqual(made.asked, []);
  });

  describe('with both installed', () => {
    let made;

    before(async () => {
      made = await projectWith(file, []);
      await npm(made.project, made.env, 'install', packHere().file);
      await npm(made.project, made.env, 'install', '--save-dev', packed.whole.file);
    });

    test('npx runs the engine until Ctrl-C', async (t) => {
      const data = path.join(temporary(t), 'sessions.db');
      const running = npx(t, made, 'koa-session-dynamodb-store', 'local', '--port', '0', '--data', data);
      isStopped(await usedUntil(made, running, data, ctrlC));
    });

    test('a signal to the command alone reaches the engine', async (t) => {
      for (const signal of ['SIGTERM', 'SIGINT']) {
        const data = path.join(temporary(t), 'sessions.db');
        const running = start(bin(made), ['local', '--port', '0', '--data', data], { cwd: made.project, env: made.env });
        t.after(running.stop);
        const { code, stderr } = await usedUntil(made, running, data, (pid) => process.kill(pid, signal));
        assert.equal(code, 0, stderr);
      }
    });

    test('a signal to npx alone leaves no engine', async (t) => {
      const data = path.join(temporary(t), 'sessions.db');
      const running = npx(t, made, 'koa-session-dynamodb-store', 'local', '--port', '0', '--data', data);
      await usedUntil(made, running, data, (pid) => process.kill(pid, 'SIGTERM'));
    });

    test('a command whose program is killed ends by the same signal', async (t) => {
      const running = start(bin(made), ['local', '--port', '0'], { cwd: made.project, env: made.env });
      t.after(running.stop);
      await printed(running, /http:\/\/[\d.:]+/);
      const { pid } = running.child;
      const [child] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      process.kill(Number(child), 'SIGKILL');
      assert.equal((await running.ended).signal, 'SIGKILL');
    });

    test('arguments and exit codes are those of the program', async () => {
      const help = await outcome(made, bin(made), '--help');
      assert.equal(help.code, 0);
      assert.match(help.stdout, /Usage: dynamodb-session/);
      const odd = 'a b"$HOME\'*\\';
      const refused = await outcome(made, bin(made), odd);
      assert.equal(refused.code, 2);
      assert.ok(refused.stderr.includes(odd), refused.stderr);
      const unreachable = await outcome(made, bin(made), 'table', 'describe', '--region', 'local', '--endpoint-url', 'http://127.0.0.1:9');
      assert.equal(unreachable.code, 5);
    });

    test('another platform gets a message that says so', async () => {
      const { code, stderr } = await asOnWindows(made, 'local');
      assert.equal(code, 70);
      assert.match(stderr, /error: dynamodb-session has no program for win32-x64/);
    });
  });
});
