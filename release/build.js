'use strict';

/* eslint no-console: "off" -- a program */

// Builds the addon and the program `dynamodb-session` for other platforms than this machine's:
//
//   node release/build.js [--only addon|cli] [--target-dir DIRECTORY] [--out DIRECTORY] [PLATFORM ...]
//
// Without a platform: all that can be built here. The artifacts are written to target/release-artifacts/PLATFORM/, and
// each is checked by release/check.py.

const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const zlib = require('node:zlib');
const platforms = require('../node/npm/platforms.json');
const libraryFile = require('../node/scripts/library-file.js');
const settleUuid = require('./uuid.js');
const {
  ROOT, cargoFor, isBuiltHere, unpacked,
} = require('./toolchain.js');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'target-dir': { type: 'string', default: path.join(ROOT, 'target/release-build') },
    out: { type: 'string', default: path.join(ROOT, 'target/release-artifacts') },
    only: { type: 'string' },
  },
});

const programFile = ({ os }) => (os === 'win32' ? 'dynamodb-session.exe' : 'dynamodb-session');

/** What is built for each platform: the package, the file that Cargo writes, and the name of the artifact. */
const ARTIFACTS = {
  addon: {
    package: 'koa-session-dynamodb-store',
    file: libraryFile,
    artifact: ({ name }) => `koa-session-dynamodb-store.${name}.node`,
  },
  cli: {
    package: 'dynamodb-session-cli',
    file: programFile,
    artifact: programFile,
  },
};

function platformsWanted() {
  const known = platforms.map(({ name }) => name);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown) throw new Error(`unknown platform ${unknown}; known: ${known.join(', ')}`);
  if (positionals.length === 0) return platforms.filter(isBuiltHere);
  const wanted = platforms.filter(({ name }) => positionals.includes(name));
  const foreign = wanted.find((platform) => !isBuiltHere(platform));
  if (foreign) throw new Error(elsewhere(foreign));
  return wanted;
}

function elsewhere({ name, target, os }) {
  const command = `rustup target add ${target} && node node/scripts/build.js --release ${name}`;
  return `${name}: cannot be built here. On ${os}: ${command}`;
}

/** A command to read and to repeat: paths from the root of the repository. */
const shown = (words) => words.map((word) => (word.startsWith(ROOT) ? path.relative(ROOT, word) : word)).join(' ');

/** Builds one artifact: where it is, and which Rust built it. */
function build(platform, kind) {
  const { package: name, file, artifact } = ARTIFACTS[kind];
  const { command: [program, ...args], env, rust } = cargoFor(platform, options['target-dir']);
  // One package at a time: together they would share the features of their dependencies.
  const all = [...args, '--package', name];
  console.log(`\n=== ${platform.name}: ${shown([program, ...all])}`);
  const { status, signal, error } = spawnSync(program, all, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${shown([program, ...all])}: ended with ${status ?? signal}; the reason is above`);
  const place = path.join(options.out, platform.name, artifact(platform));
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.copyFileSync(path.join(options['target-dir'], platform.target, 'release', file(platform, name)), place);
  if (platform.os === 'darwin') {
    const bytes = fs.readFileSync(place);
    settleUuid(bytes);
    fs.writeFileSync(place, bytes);
  }
  return { file: place, rust };
}

/** What is wrong with an artifact: lines of text. */
function check(platform, kind, file) {
  const args = [path.join(__dirname, 'check.py'), kind, platform.name, file];
  const env = { ...process.env, PYTHONPATH: unpacked('check') };
  const { stdout, stderr, status } = spawnSync('python3', args, { cwd: ROOT, env, encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : { facts: {}, problems: [`release/check.py failed: ${stderr.trim()}`] };
}

function make(platform) {
  const made = { platform: platform.name, rust: '-', problems: [] };
  const kinds = Object.keys(ARTIFACTS).filter((kind) => !options.only || options.only === kind);
  for (const kind of kinds) {
    const begun = Date.now();
    try {
      const { file, rust } = build(platform, kind);
      const bytes = fs.readFileSync(file);
      const { facts, problems } = check(platform, kind, file);
      made.rust = rust;
      made[kind] = {
        size: bytes.length,
        gzip: zlib.gzipSync(bytes, { level: 9 }).length,
        seconds: Math.round((Date.now() - begun) / 1000),
        sha256: createHash('sha256').update(bytes).digest('hex'),
        facts,
      };
      made.problems.push(...problems.map((problem) => `${kind}: ${problem}`));
    } catch (error) {
      made.problems.push(`${kind}: not built: ${error.message}`);
    }
  }
  return made;
}

const mebibytes = (bytes) => (bytes / 1024 / 1024).toFixed(2);

function printed(made) {
  const row = (cells, widths) => cells.map((cell, n) => String(cell).padEnd(widths[n])).join('  ').trimEnd();
  const rows = [['platform', 'addon MB', 'gzip', 's', 'CLI MB', 'gzip', 's', 'checks', 'Rust'],
    ...made.map(({
      platform, addon, cli, problems, rust,
    }) => [platform,
      ...[addon, cli].flatMap((one) => (one ? [mebibytes(one.size), mebibytes(one.gzip), one.seconds] : ['-', '-', '-'])),
      problems.length === 0 ? 'ok' : `${problems.length} failed`, rust])];
  const widths = rows[0].map((_, n) => Math.max(...rows.map((cells) => String(cells[n]).length)));
  return [...rows.map((cells) => row(cells, widths)),
    ...made.flatMap(({ platform, problems }) => problems.map((problem) => `${platform}: ${problem}`))].join('\n');
}

/** Keeps what an earlier run has built: other platforms, and the other kind of artifact with --only. */
function remember(made) {
  const file = path.join(options.out, 'artifacts.json');
  const earlier = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : [];
  const whole = made.map((one) => {
    const same = options.only && earlier.find(({ platform }) => platform === one.platform);
    const { problems = [], ...before } = same || {};
    const others = problems.filter((problem) => !problem.startsWith(`${options.only}:`));
    return { ...before, ...one, problems: [...others, ...one.problems] };
  });
  const rest = earlier.filter(({ platform }) => !made.some((one) => one.platform === platform));
  fs.mkdirSync(options.out, { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify([...rest, ...whole], null, 2)}\n`);
}

const made = platformsWanted().map(make);
remember(made);
console.log(`\n${printed(made)}`);
if (positionals.length === 0) {
  platforms.filter((platform) => !isBuiltHere(platform)).forEach((platform) => console.log(elsewhere(platform)));
}
process.exitCode = made.some(({ problems }) => problems.length > 0) ? 1 : 0;
