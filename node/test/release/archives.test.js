'use strict';

// The programs of a release, as `cargo binstall` looks for them.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const platforms = require('../../npm/platforms.json');

const ROOT = path.resolve(__dirname, '../../..');
const metadata = JSON.parse(execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1', '--locked'], { cwd: ROOT, encoding: 'utf8' }));
const cli = metadata.packages.find(({ name }) => name === 'dynamodb-session-cli');
const { binstall } = cli.metadata;

/** A template of cargo-binstall, filled in. */
const filled = (template, values) => template.replace(/\{ ([\w-]+) \}/g, (_, name) => {
  assert.ok(name in values, `{ ${name} } of ${template}`);
  return values[name];
});

function archives(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'archives-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  platforms.forEach(({ name, os: system }) => {
    fs.mkdirSync(path.join(dir, 'artifacts', name), { recursive: true });
    // Without the permission to run it, as after a download.
    fs.writeFileSync(path.join(dir, 'artifacts', name, `dynamodb-session${system === 'win32' ? '.exe' : ''}`), `of ${name}`);
  });
  const out = path.join(dir, 'out');
  execFileSync(path.join(ROOT, '.ci/archives'), [path.join(dir, 'artifacts'), out], { encoding: 'utf8' });
  return out;
}

test('each is where cargo binstall looks, with the program that it expects, which can be run', (t) => {
  const out = archives(t);
  assert.equal(binstall['pkg-fmt'], 'tgz');
  platforms.forEach(({ name, os: system, target }) => {
    const values = {
      repo: 'https://github.com/somebody/something', version: cli.version, target, bin: cli.targets[0].name, 'binary-ext': system === 'win32' ? '.exe' : '',
    };
    const url = new URL(filled(binstall['pkg-url'], values));
    assert.equal(path.dirname(url.pathname), `/somebody/something/releases/download/v${cli.version}`);
    const archive = path.join(out, path.basename(url.pathname));
    const program = filled(binstall['bin-dir'], values);
    assert.equal(execFileSync('tar', ['-xOzf', archive, program], { encoding: 'utf8' }), `of ${name}`);
    const listed = execFileSync('tar', ['-tvzf', archive], { encoding: 'utf8' }).trim().split('\n');
    assert.match(listed.find((line) => line.endsWith(` ${program}`)), /^-rwxr-xr-x 0\/0 /);
    assert.deepEqual(listed.map((line) => line.split(' ').at(-1)).sort(), ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', program].sort());
  });
});

test('SHA256SUMS has the checksum of each', (t) => {
  const out = archives(t);
  const lines = fs.readFileSync(path.join(out, 'SHA256SUMS'), 'utf8').trim().split('\n');
  const names = fs.readdirSync(out).filter((name) => name !== 'SHA256SUMS');
  assert.equal(names.length, platforms.length);
  assert.deepEqual(lines, names.sort().map((name) => (
    `${createHash('sha256').update(fs.readFileSync(path.join(out, name))).digest('hex')}  ${name}`)));
});

test('the same programs give the same bytes', (t) => {
  const sums = () => fs.readFileSync(path.join(archives(t), 'SHA256SUMS'), 'utf8');
  assert.equal(sums(), sums());
});
