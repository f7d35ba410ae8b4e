'use strict';

// The version is the same in every place that names it, and a release is refused before anything is built if it is not.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../../..');
const FILES = [
  '.ci/version', 'Cargo.toml', 'Cargo.lock', 'bench/rust/Cargo.lock', 'fuzz/Cargo.lock', 'node/package.json',
  'node/package-lock.json', 'README.md', 'docs/koa.md', 'docs/cli.md', 'CHANGELOG.md',
];
const CRATES = fs.readdirSync(path.join(ROOT, 'crates')).map((crate) => `crates/${crate}/Cargo.toml`);
const read = (root, file) => fs.readFileSync(path.join(root, file), 'utf8');
const VERSION = JSON.parse(read(ROOT, 'node/package.json')).version;

/** A copy of the files that have to do with the version. */
function copy(t) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'version-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  [...FILES, ...CRATES].forEach((file) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), path.join(root, file));
  });
  return root;
}

function run(root, args, env = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GITHUB_'));
  const options = { encoding: 'utf8', env: { ...Object.fromEntries(kept), ...env } };
  const { status, stdout, stderr } = spawnSync(path.join(root, '.ci/version'), args, options);
  return { status, text: stdout + stderr };
}

function change(root, file, from, to) {
  const text = read(root, file);
  const changed = text.replace(from, to);
  assert.notEqual(changed, text, `${file}: ${from}`);
  fs.writeFileSync(path.join(root, file), changed);
}

test('all places of this repository agree', () => {
  const { status, text } = run(ROOT, []);
  assert.equal(status, 0, text);
  assert.equal(text, `version: ${VERSION}\n`);
});

test('the pages of the adapters name the series of their crates', () => {
  ['tower', 'actix'].forEach((name) => {
    const folder = `crates/dynamodb-session-${name}`;
    const [, series] = /^version = "(\d+\.\d+)\./m.exec(read(ROOT, `${folder}/Cargo.toml`));
    [`${folder}/README.md`, `${folder}/src/lib.rs`].forEach((file) => assert.match(read(ROOT, file), new RegExp(`Version ${series} is for`), file));
    assert.ok(read(ROOT, 'docs/rust.md').includes(`| \`dynamodb-session-${name}\` | ${series} |`));
  });
});

describe('a place with another version is named', () => {
  const version = VERSION.replaceAll('.', '\\.');
  const PLACES = {
    'Cargo.toml': new RegExp(`(?<=dynamodb-session-local = .*)${version}`),
    'Cargo.lock': new RegExp(`(?<=name = "dynamodb-session-cli"\nversion = ")${version}`),
    'bench/rust/Cargo.lock': new RegExp(`(?<=name = "dynamodb-session"\nversion = ")${version}`),
    'fuzz/Cargo.lock': new RegExp(`(?<=name = "dynamodb-session-fuzz"\nversion = ")${version}`),
    'node/package.json': new RegExp(version),
    'node/package-lock.json': new RegExp(`(?<="": \\{\n.*\n *"version": ")${version}`),
    'README.md': new RegExp(version),
    'docs/koa.md': new RegExp(version),
    'docs/cli.md': new RegExp(version),
    'CHANGELOG.md': new RegExp(version),
  };
  Object.entries(PLACES).forEach(([file, from]) => test(file, (t) => {
    const root = copy(t);
    change(root, file, from, '9.8.7');
    const { status, text } = run(root, []);
    assert.equal(status, 1);
    assert.ok(text.includes(`  ${file}: 9.8.7`), text);
  }));
});

test('it is written everywhere, with a section in the changelog', (t) => {
  const root = copy(t);
  const headings = () => read(root, 'CHANGELOG.md').match(/^## .*$/gm);
  const [, ...others] = headings();
  change(root, 'CHANGELOG.md', /^## .*$/m, `## ${VERSION} (2026-12-01)`);
  assert.equal(run(root, ['9.8.7']).text, 'version: 9.8.7\n');
  assert.deepEqual(headings(), ['## 9.8.7 (unreleased)', `## ${VERSION} (2026-12-01)`, ...others]);
  assert.equal(run(root, ['9.9.0']).text, 'version: 9.9.0\n');
  assert.deepEqual(headings(), ['## 9.9.0 (unreleased)', `## ${VERSION} (2026-12-01)`, ...others]);
  assert.ok(read(root, 'crates/dynamodb-session-tower/Cargo.toml').includes('version = "0.'), 'it has a version of its own');
  assert.match(run(root, ['2.1']).text, /"2\.1" is not a version/);
});

describe('a release', () => {
  const REPOSITORY = 'https://github.com/somebody/something';
  const HERE = { GITHUB_REPOSITORY: 'somebody/something' };

  function ready(t) {
    const root = copy(t);
    change(root, 'CHANGELOG.md', /^## .*$/m, `## ${VERSION} (2026-12-01)`);
    assert.equal(run(root, ['--repository', REPOSITORY]).status, 0);
    return root;
  }
  const tag = `v${VERSION}`;

  test('goes with the tag of its version', (t) => {
    const root = ready(t);
    assert.deepEqual(run(root, ['--release', tag], HERE), { status: 0, text: `${tag} can be released\n` });
    assert.match(run(root, ['--notes']).text, /^\S.*\n/);
    assert.ok(!run(root, ['--notes']).text.includes('\n## '));
  });

  const refused = (t, root, args, reason, env = HERE) => {
    const { status, text } = run(root, ['--release', args], env);
    assert.equal(status, 1, text);
    assert.match(text, reason);
  };

  test('is refused with another tag', (t) => {
    refused(t, ready(t), 'v9.8.7', /The tag is v9\.8\.7, but the version is .* \.ci\/version 9\.8\.7/);
  });

  test('is refused without a date in the changelog', (t) => {
    const root = ready(t);
    change(root, 'CHANGELOG.md', '(2026-12-01)', '(unreleased)');
    refused(t, root, tag, /CHANGELOG\.md: the heading is .*\(unreleased\)".*\(YYYY-MM-DD\)/);
  });

  test('is refused with an empty section in the changelog', (t) => {
    const root = ready(t);
    change(root, 'CHANGELOG.md', '(2026-12-01)\n', '(2026-12-01)\n\n## 1.0.0 (2020-01-01)\n');
    refused(t, root, tag, /the section .* is empty/);
  });

  test('is refused without the address of the repository, which is written to every package', (t) => {
    const root = copy(t);
    refused(t, root, tag, /Cargo\.toml has no repository.*\n.*node\/package\.json has no repository.*--repository https:\/\/github\.com\/somebody\/something/);
    run(root, ['--repository', REPOSITORY]);
    CRATES.forEach((file) => {
      const isPublished = !read(root, file).includes('publish = false');
      assert.equal(read(root, file).includes('repository.workspace = true'), isPublished, file);
    });
    const written = [...CRATES, 'Cargo.toml', 'node/package.json'].map((file) => read(root, file));
    run(root, ['--repository', REPOSITORY]);
    assert.deepEqual([...CRATES, 'Cargo.toml', 'node/package.json'].map((file) => read(root, file)), written, 'twice is once');
    assert.equal(run(root, ['--repository', 'somebody/something']).status, 1);
  });

  test('is refused in another repository', (t) => {
    refused(t, ready(t), tag, /the repository is .*something, but this is .*other/, { GITHUB_REPOSITORY: 'somebody/other' });
  });

  describe('after another one', () => {
    const TOWER = 'crates/dynamodb-session-tower/Cargo.toml';
    const own = /^version = .*$/m;

    function after(t, before) {
      const root = ready(t);
      const git = (...args) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: root, stdio: 'ignore' });
      git('init');
      git('add', '--all');
      git('commit', '--message', 'before');
      git('tag', before);
      return root;
    }

    test('goes if the crates with versions of their own are as they were', (t) => {
      const root = after(t, `v${VERSION.split('.')[0]}.0.1`);
      assert.equal(run(root, ['--release', tag], HERE).status, 0);
    });

    test('is refused if such a crate changed and its version did not', (t) => {
      const root = after(t, `v${VERSION.split('.')[0]}.0.1`);
      change(root, TOWER, 'description = "', 'description = "better ');
      refused(t, root, tag, /dynamodb-session-tower has changed since v\d\.0\.1\. Raise its version/);
      change(root, TOWER, own, 'version = "0.1.9"');
      assert.equal(run(root, ['--release', tag], HERE).status, 0);
    });

    test('is refused if such a crate has to follow a new series of the core', (t) => {
      const root = after(t, 'v1.0.0');
      refused(t, root, tag, /dynamodb-session-tower has to follow dynamodb-session \d+\.[^]*dynamodb-session-actix has to/);
    });

    test('is not compared with itself', (t) => {
      const root = after(t, tag);
      change(root, TOWER, 'description = "', 'description = "better ');
      assert.equal(run(root, ['--release', tag], HERE).status, 0);
    });
  });
});
