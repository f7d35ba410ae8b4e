'use strict';

// The packed packages installed into empty projects, by npm and by yarn, where there is neither Rust nor a compiler.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  NODES, builtInPlace, emptyProject, engine, installed, npm, pack, packHere, platforms, registry, run, temporary, yarn,
} = require('./helper');

const SMOKE = path.join(__dirname, 'smoke.js');
const SIZE_RATIO = 10;

async function smoke(t, { project, env }, node = 'node') {
  fs.copyFileSync(SMOKE, path.join(project, 'smoke.js'));
  const file = node === 'node' ? path.join(env.PATH, 'node') : node;
  const { stdout, stderr } = await run(file, ['smoke.js', await engine(t)], { cwd: project, env, timeout: 30000 });
  assert.match(stdout, /^smoke passed on v/);
  assert.equal(stderr, '');
}

const storesIn = (project) => fs.readdirSync(path.join(project, 'node_modules')).filter((name) => name.startsWith('koa-'));

describe('from tarballs', () => {
  test('npm installs them and they work', async (t) => {
    await smoke(t, await installed(t));
  });

  test('yarn installs them and they work', async (t) => {
    const { main, platforms: [platform] } = packHere();
    // Yarn asks the registry for an optional dependency even when the project has it, unless a setting forbids it.
    const made = emptyProject(t, { resolutions: { [platform.manifest.name]: `file:${platform.file}` } });
    await yarn(made.project, made.env, 'add', '--offline', `file:${main.file}`, `file:${platform.file}`);
    await smoke(t, made);
  });

  test('they work on every Node release', async (t) => {
    const made = await installed(t);
    for (const [version, node] of Object.entries(NODES)) {
      await t.test(version, (inner) => smoke(inner, made, node));
    }
  });
});

// As it will be once published: one name is asked for, and of the platform packages only this machine's is installed.
describe('from a registry', () => {
  const published = (t) => {
    const here = builtInPlace();
    const other = path.join(temporary(t), 'other.node');
    fs.writeFileSync(other, 'of another platform');
    return pack(temporary(t), Object.fromEntries(platforms.map(({ name }) => [name, here[name] ?? other])));
  };
  const mine = `koa-session-dynamodb-store-${Object.keys(builtInPlace())[0]}`;

  test('npm installs the package and its addon', async (t) => {
    const made = emptyProject(t);
    const url = await registry(t, published(t));
    await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store', '--registry', url);
    assert.deepEqual(storesIn(made.project), ['koa-session-dynamodb-store', mine]);
    await smoke(t, made);
  });

  test('yarn installs the package and its addon', async (t) => {
    const made = emptyProject(t);
    const url = await registry(t, published(t));
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
