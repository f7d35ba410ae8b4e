'use strict';

// The packed packages installed into empty projects, by each package manager. There is neither Rust nor a compiler.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  BUN, NAME, NODES, TOOLS,
  builtInPlace, emptyProject, engine, installed, npm, packHere, published, registry, run, withApp, yarn,
} = require('./helper');
const snippet = require('./snippet');

const SMOKE = path.join(__dirname, 'smoke.js');
const SIZE_RATIO = 10;

async function smoke(t, { project, env }, args = [], node = path.join(env.PATH, 'node')) {
  fs.copyFileSync(SMOKE, path.join(project, 'smoke.js'));
  const options = { cwd: project, env, timeout: 30000 };
  const { stdout, stderr } = await run(node, [...args, 'smoke.js', await engine(t)], options);
  assert.match(stdout, /^smoke passed on v/);
  assert.equal(stderr, '');
}

const storesIn = (project) => fs.readdirSync(path.join(project, 'node_modules')).filter((name) => name.startsWith('koa-'));

const npmOf = (version, { project, env }, url, file) => run(
  path.join(env.PATH, 'node'),
  [path.join(TOOLS, version, 'bin/npm-cli.js'), 'install', file ?? NAME, '--registry', url, '--cache', '../cache', '--no-audit', '--no-fund'],
  { cwd: project, env },
);

/** How each package manager installs a tarball, or the package of the registry at `url`, with nothing cached. */
const MANAGERS = {
  'npm 10': (...args) => npmOf('npm-10', ...args),
  'npm 11': (...args) => npmOf('npm-11', ...args),

  'yarn 1': ({ project, env }, url, file) => yarn(project, { ...env, YARN_REGISTRY: url }, 'add', file ? `file:${file}` : NAME),

  'yarn 4': async ({ project, env }, url, file) => {
    const home = path.dirname(project);
    const settings = {
      HOME: home,
      YARN_ENABLE_GLOBAL_CACHE: 'false',
      YARN_ENABLE_TELEMETRY: 'false',
      YARN_GLOBAL_FOLDER: path.join(home, 'yarn'),
      YARN_NODE_LINKER: env.YARN_NODE_LINKER ?? 'node-modules',
      YARN_NPM_MINIMAL_AGE_GATE: '0', // the package is minutes old
      YARN_NPM_REGISTRY_SERVER: url,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    };
    fs.writeFileSync(path.join(project, 'yarn.lock'), '');
    const args = ['add', file ? `${NAME}@file:${file}` : NAME];
    await run(path.join(env.PATH, 'node'), [path.join(TOOLS, '@yarnpkg/cli-dist/bin/yarn.js'), ...args], { cwd: project, env: { ...env, ...settings } });
  },

  pnpm: ({ project, env }, url, file) => {
    const args = ['add', file ?? NAME, '--registry', url, '--store-dir', path.join(path.dirname(project), 'store')];
    return run(path.join(env.PATH, 'node'), [path.join(TOOLS, 'pnpm/bin/pnpm.cjs'), ...args], { cwd: project, env: { ...env, HOME: path.dirname(project) } });
  },

  bun: ({ project, env }, url, file) => {
    const settings = { BUN_CONFIG_REGISTRY: url, BUN_INSTALL_CACHE_DIR: path.join(path.dirname(project), 'bun'), HOME: path.dirname(project) };
    return run(BUN, ['add', file ?? NAME], { cwd: project, env: { ...env, ...settings } });
  },
};

// Yarn 4 with Plug'n'Play.
async function smokeWithoutModules(t, url, file) {
  const made = emptyProject(t);
  const settings = { YARN_NODE_LINKER: 'pnp', YARN_PNP_ENABLE_ESM_LOADER: 'true' };
  await MANAGERS['yarn 4']({ ...made, env: { ...made.env, ...settings } }, url, file);
  const loaders = ['--require', './.pnp.cjs', '--experimental-loader', './.pnp.loader.mjs'];
  await smoke(t, made, ['--disable-warning=ExperimentalWarning', ...loaders]);
}

// The names of the platform packages are free until they are published: whoever takes one runs in the application.
describe('from a tarball', () => {
  // npm asks for the optional peer.
  const noneOfOurs = (asked) => assert.deepEqual(asked.filter((name) => name !== 'express-session'), []);

  for (const [name, install] of Object.entries(MANAGERS)) {
    test(`${name} installs it without asking for another one of ours, and it works`, async (t) => {
      const made = emptyProject(t);
      const { url, asked } = await registry(t, []);
      await install(made, url, packHere().file);
      noneOfOurs(asked);
      await smoke(t, made);
    });
  }

  test('yarn 4 installs it without node_modules', async (t) => {
    const { url, asked } = await registry(t, []);
    await smokeWithoutModules(t, url, packHere().file);
    noneOfOurs(asked);
  });

  test('it works on every Node release', async (t) => {
    const made = await installed(t);
    for (const [version, node] of Object.entries(NODES)) {
      await t.test(version, (inner) => smoke(inner, made, [], node));
    }
  });
});

// As it will be once published: one name is asked for, and of the platform packages only this machine's is installed.
describe('from a registry', () => {
  const all = () => {
    const { main, platforms } = published();
    return [main, ...platforms];
  };
  const mine = `koa-session-dynamodb-store-${Object.keys(builtInPlace())[0]}`;

  test('npm installs the package and its addon', async (t) => {
    const made = emptyProject(t);
    const { url } = await registry(t, all());
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store', '--registry', url);
    assert.deepEqual(storesIn(made.project), ['koa-session-dynamodb-store', mine]);
    await smoke(t, made);
  });

  for (const name of ['npm 10', 'npm 11', 'yarn 4', 'pnpm', 'bun']) {
    test(`${name} installs it, and it works`, async (t) => {
      const made = emptyProject(t);
      const { url } = await registry(t, all());
      await MANAGERS[name](made, url);
      await smoke(t, made);
    });
  }

  test('yarn 4 installs it without node_modules', async (t) => {
    const { url } = await registry(t, all());
    await smokeWithoutModules(t, url);
  });

  test('deno installs it, and it works', async (t) => {
    const { project, env } = withApp(emptyProject(t));
    const { url } = await registry(t, all());
    const settings = { DENO_DIR: path.join(path.dirname(project), 'deno'), NPM_CONFIG_REGISTRY: url };
    const deno = (...args) => run(path.join(TOOLS, '@deno/linux-x64-glibc/deno'), args, { cwd: project, env: { ...env, ...settings }, timeout: 30000 });
    await deno(...snippet('deno-add').trim().split(' ').slice(1));
    const { stdout } = await deno(...snippet('deno').trim().split(' ').slice(1), await engine(t));
    assert.equal(stdout, '1 2\n');
  });

  for (const npmVersion of ['npm-10', 'npm-11']) {
    test(`${npmVersion} installs the addon of the platform that the page names`, async (t) => {
      const made = emptyProject(t, { dependencies: { 'koa-session-dynamodb-store': '2' } });
      const { url } = await registry(t, all());
      const [, ...args] = snippet('npm-other-platform').trim().split(' ');
      await run(
        path.join(made.env.PATH, 'node'),
        [path.join(TOOLS, npmVersion, 'bin/npm-cli.js'), ...args, '--registry', url, '--cache', '../cache', '--no-audit', '--no-fund'],
        { cwd: made.project, env: made.env },
      );
      assert.deepEqual(storesIn(made.project), ['koa-session-dynamodb-store', 'koa-session-dynamodb-store-linux-arm64-gnu']);
    });
  }

  test('yarn installs the package and its addon', async (t) => {
    const made = emptyProject(t);
    const { url } = await registry(t, all());
    const env = { ...made.env, npm_config_registry: url, YARN_REGISTRY: url };
    await yarn(made.project, env, 'add', 'koa-session-dynamodb-store');
    // Yarn 1 does not know `libc`: it installs the musl addon too, and the loader takes the right one.
    const musl = mine.replace(/-gnu$/, '-musl');
    assert.deepEqual(storesIn(made.project).filter((name) => name !== musl), ['koa-session-dynamodb-store', mine]);
    await smoke(t, made);
  });
});

test('the installed packages are at most a tenth of the legacy ones', async (t) => {
  const sizeOf = ({ project }) => {
    const modules = path.join(project, 'node_modules');
    return fs.readdirSync(modules, { recursive: true })
      .map((name) => fs.lstatSync(path.join(modules, name)))
      .reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
  };
  const ours = sizeOf(await installed(t));
  const legacy = emptyProject(t);
  await npm(legacy.project, legacy.env, 'install', '--prefer-offline', 'koa-session-dynamodb-store@1.1.1', 'aws-sdk@2');
  const ratio = sizeOf(legacy) / ours;
  t.diagnostic(`installed: legacy ${(sizeOf(legacy) / 1e6).toFixed(1)} MB, ours ${(ours / 1e6).toFixed(1)} MB: `
    + `1/${ratio.toFixed(1)} (budget 1/${SIZE_RATIO})`);
  assert.ok(ratio >= SIZE_RATIO, `1/${ratio.toFixed(1)}`);
});
