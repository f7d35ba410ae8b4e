'use strict';

// What is in the packed packages, without installing them.

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
  NODE_DIR, builtInPlace, pack, packForRegistry, platforms, run,
} = require('./helper');
const { TARGETS } = require('../../lib/binding.js');
const entries = require('../../scripts/entries');
const { inspect } = require('./elf');

const MEBIBYTE = 1024 * 1024;
const GLIBC = [2, 34]; // Amazon Linux 2023: what Lambda runs
const bin = (name) => path.join(NODE_DIR, 'node_modules', '.bin', name);

let dir;
let whole;
let packed;
let addon;

before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tarballs-'));
  whole = pack(path.join(dir, 'whole'), builtInPlace());
  packed = packForRegistry(dir, builtInPlace());
  [addon] = Object.values(builtInPlace());
});

after(() => fs.rmSync(dir, { recursive: true }));

test('the main package holds JavaScript, types and licences, and nothing else', () => {
  const expected = [
    'bin/koa-session-dynamodb-store.js', 'CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json',
    ...entries.flatMap(({ types }) => types),
    ...fs.readdirSync(path.join(NODE_DIR, 'types')).map((name) => `types/${name}`),
  ];
  assert.deepEqual(packed.main.files.filter((name) => !name.startsWith('dist/')), expected.sort());
  const dist = packed.main.files.filter((name) => name.startsWith('dist/'));
  assert.ok(dist.every((name) => /^dist\/[a-z-]+\.(js|mjs|js\.flow)$/.test(name)), dist.join());
  const needed = entries.flatMap(({ name }) => [`${name}.js`, `${name}.mjs`, `${name}.js.flow`]);
  needed.forEach((name) => assert.ok(dist.includes(`dist/${name}`), name));
});

test('a platform package holds the addon, its licences and nothing else', () => {
  packed.platforms.forEach(({ manifest, files }) => {
    const [name] = manifest.files;
    assert.match(name, /\.node$/);
    assert.deepEqual(files, ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', name, 'package.json'].sort());
  });
});

test('the package of the README holds what both kinds of package hold, and no dependency', () => {
  const [addonName] = packed.platforms[0].manifest.files;
  assert.deepEqual(whole.files, [...packed.main.files, addonName].sort());
  const { files, optionalDependencies, ...rest } = packed.main.manifest;
  assert.deepEqual(whole.manifest, { ...rest, files: whole.manifest.files });
});

test('nothing runs at installation', () => {
  [whole, packed.main, ...packed.platforms].forEach(({ manifest }) => assert.equal(manifest.scripts, undefined));
});

test('the only dependencies are the platform packages, of exactly this version', () => {
  const { manifest } = packed.main;
  const theirs = Object.fromEntries(packed.platforms.map((each) => [each.manifest.name, each.manifest.version]));
  assert.deepEqual(manifest.optionalDependencies, theirs);
  ['dependencies', 'devDependencies', 'bundleDependencies']
    .forEach((kind) => assert.equal(manifest[kind], undefined, kind));
  // The application's own, if it has one. It is never installed for this package.
  assert.deepEqual(Object.keys(manifest.peerDependencies), ['express-session']);
  assert.deepEqual(manifest.peerDependenciesMeta, { 'express-session': { optional: true } });
  packed.platforms.forEach((each) => assert.equal(each.manifest.version, manifest.version));
});

test('npm and Cargo agree on the version', () => {
  const cargo = fs.readFileSync(path.join(NODE_DIR, '..', 'Cargo.toml'), 'utf8');
  assert.equal(/\[workspace\.package\]\s+version = "(.+)"/.exec(cargo)[1], packed.main.manifest.version);
});

test('the loader looks for the packages there are', () => {
  assert.deepEqual(Object.values(TARGETS).flat().sort(), platforms.map(({ name }) => name).sort());
  const loader = fs.readFileSync(path.join(NODE_DIR, 'lib/binding.js'), 'utf8');
  Object.entries(TARGETS).forEach(([place, names]) => names.forEach((name) => {
    const { os: system, cpu } = platforms.find((known) => known.name === name);
    assert.equal(`${system}-${cpu}`, place);
    // Tools that copy or compile an application follow a literal only.
    assert.ok(loader.includes(`require('koa-session-dynamodb-store-${name}')`), name);
    assert.ok(loader.includes(`require('../koa-session-dynamodb-store.${name}.node')`), name);
  }));
});

test('every platform of the release has a package that only installs there', () => {
  const all = packForRegistry(path.join(dir, 'all'), Object.fromEntries(platforms.map(({ name }) => [name, __filename])));
  assert.equal(all.platforms.length, platforms.length);
  assert.equal(Object.keys(all.main.manifest.optionalDependencies).length, platforms.length);
  all.platforms.forEach(({ manifest }, n) => {
    const { libc } = platforms[n];
    assert.deepEqual([manifest.os, manifest.cpu], [[platforms[n].os], [platforms[n].cpu]]);
    assert.deepEqual(manifest.libc, libc && [libc]);
  });
});

test('no file names a place on the machine that built it, nor holds a key', () => {
  const unpacked = path.join(dir, 'unpacked');
  return Promise.all([whole, packed.main, ...packed.platforms].map(async ({ file }) => {
    const to = path.join(unpacked, path.relative(dir, file));
    fs.mkdirSync(to, { recursive: true });
    await run('tar', ['-xzf', file, '-C', to]);
    const files = fs.readdirSync(to, { recursive: true }).filter((name) => fs.statSync(path.join(to, name)).isFile());
    files.forEach((name) => {
      const bytes = fs.readFileSync(path.join(to, name));
      [path.join(NODE_DIR, '..', 'crates'), os.homedir() + path.sep].forEach((place) => {
        assert.ok(!bytes.includes(place), `${name} holds ${place}`);
      });
      assert.doesNotMatch(bytes.toString('latin1'), /-----BEGIN (RSA |EC )?PRIVATE KEY-----\n[A-Za-z0-9+/]{40}/, name);
      assert.doesNotMatch(bytes.toString('latin1'), /\bAKIA(?!IOSFODNN7EXAMPLE)[A-Z2-7]{16}\b/, name);
    });
  }));
});

test('publint has nothing to say', async () => {
  for (const { file } of [whole, packed.main]) {
    const { stdout } = await run(bin('publint'), [file, '--strict']);
    assert.match(stdout, /All good/);
  }
});

test('are the types wrong? They are not', async () => {
  const { stdout } = await run(bin('attw'), [packed.main.file, '--no-emoji', '--format', 'table-flipped']);
  assert.match(stdout, /No problems found/);
});

test('the addon is at most 8 MB, stripped', (t) => {
  const { size } = fs.statSync(addon);
  t.diagnostic(`addon: ${(size / MEBIBYTE).toFixed(2)} MB (budget 8 MB)`);
  assert.ok(size <= 8 * MEBIBYTE, `${size} bytes`);
  const leftovers = inspect(addon).sections.filter((name) => name === '.symtab' || name.startsWith('.debug'));
  assert.deepEqual(leftovers, []);
});

test('the addon needs no newer GLIBC than 2.34', (t) => {
  const { needed } = inspect(addon);
  const versions = Object.values(needed).flat().filter((name) => /^GLIBC_\d/.test(name))
    .map((name) => name.slice('GLIBC_'.length).split('.').map(Number))
    .sort(([a, b], [c, d]) => a - c || b - d);
  const [major, minor] = versions.at(-1);
  t.diagnostic(`highest GLIBC symbol version: ${major}.${minor} (limit ${GLIBC.join('.')})`);
  assert.ok(major === GLIBC[0] && minor <= GLIBC[1], `needs GLIBC ${major}.${minor}`);
});
