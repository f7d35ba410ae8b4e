'use strict';

// The pages of the crates on crates.io, and what each crate holds when it is published.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { isExample } = require('./commands');
const { ROOT, read } = require('./markdown');
const checksOf = require('./page');

const core = checksOf('crates/dynamodb-session/README.md');
const tower = checksOf('crates/dynamodb-session-tower/README.md');
const actix = checksOf('crates/dynamodb-session-actix/README.md');
const cli = checksOf('crates/dynamodb-session-cli/README.md');

core.sameSnippet('example dynamodb-session quick_start', 'docs/rust.md');
[tower, actix].forEach((page) => page.snippet('example', (t, snippet) => { isExample(snippet); }));
cli.snippet('cli-run', (t, { text }) => {
  const known = read('docs/cli.md');
  text.trim().split('\n').forEach((line) => assert.ok(known.includes(`\n${line}`), line));
});

core.complete();
tower.complete();
actix.complete();
cli.complete();

const cargo = (...args) => execFileSync('cargo', [...args, '--locked'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const { packages } = JSON.parse(cargo('metadata', '--no-deps', '--format-version', '1'));
const published = packages.filter(({ publish }) => publish === null);

it('the crates that are published', () => {
  assert.deepEqual(published.map(({ name }) => name).sort(), [
    'dynamodb-session', 'dynamodb-session-actix', 'dynamodb-session-cli', 'dynamodb-session-local', 'dynamodb-session-tower',
  ]);
});

published.forEach((crate) => describe(crate.name, () => {
  it('holds sources, examples, its page and the licences, and nothing else', () => {
    const files = cargo('package', '--list', '--allow-dirty', '--package', crate.name).trim().split('\n');
    const MADE = ['.cargo_vcs_info.json', 'Cargo.lock', 'Cargo.toml', 'Cargo.toml.orig'];
    const others = files.filter((file) => !MADE.includes(file) && !/^(src|examples)\/[\w/-]+\.(rs|json)$/.test(file));
    assert.deepEqual(others.sort(), ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md']);
  });

  it('holds the licences of the repository', () => {
    const folder = path.relative(ROOT, path.dirname(crate.manifest_path));
    ['LICENSE-APACHE', 'LICENSE-MIT'].forEach((name) => assert.equal(read(`${folder}/${name}`), read(name)));
  });

  it('says what crates.io demands or shows', () => {
    assert.equal(crate.license, 'MIT OR Apache-2.0');
    assert.ok(crate.description.length > 20 && crate.categories.length > 0);
    assert.ok(crate.keywords.length > 0 && crate.keywords.length <= 5, 'crates.io takes five keywords');
    crate.keywords.forEach((word) => assert.match(word, /^[a-z0-9][\w+-]{0,19}$/));
  });

  // Cargo leaves out a dependency for tests that has only a path. crates.io refuses one that it does not have.
  it('depends on published crates only', () => {
    const ours = crate.dependencies.filter(({ path: at }) => at);
    ours.forEach(({ name, kind, req }) => {
      const isLeftOut = kind === 'dev' && req === '*';
      assert.ok(isLeftOut || published.some((each) => each.name === name), `${name} is not published`);
      assert.ok(isLeftOut || req !== '*', `${name} needs a version`);
    });
  });
}));
