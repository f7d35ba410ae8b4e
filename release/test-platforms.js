'use strict';

/* eslint no-console: "off" -- a program */

// Runs tests of the package in Node.js of other platforms, with the addons of `make release`, and writes what was run
// to docs/platforms-report.md:
//
//   node release/test-platforms.js [--folder FOLDER ...] [PLATFORM ...]
//
// The local engine is this machine's. A folder is one of `.ci/test-folders`, without `node/test/`.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ROOT } = require('./toolchain.js');
const { startEngine } = require('../node/test/support/engine.js');
const { startFaultServer } = require('../node/test/support/fault-server.js');
const runtimes = require('./runtimes.js');

const FOLDERS = ['frameworks/koa', 'frameworks/express', 'protocol', 'conformance', 'process'];
const NAME = 'koa-session-dynamodb-store';
const ARTIFACTS = path.join(ROOT, 'target/release-artifacts');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { folder: { type: 'string', multiple: true, default: FOLDERS } },
});

const addonOf = (platform) => path.join(ARTIFACTS, platform, `${NAME}.${platform}.node`);

/** A copy of the package that has this platform's addon and no other. */
function packageFor(platform) {
  const place = path.join(ROOT, 'target/release-test', platform);
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(path.join(place, 'node'), { recursive: true });
  for (const name of fs.readdirSync(path.join(ROOT, 'node'))) {
    const from = path.join(ROOT, 'node', name);
    if (name === 'node_modules') fs.symlinkSync(from, path.join(place, 'node', name));
    else if (!name.endsWith('.node')) fs.cpSync(from, path.join(place, 'node', name), { recursive: true });
  }
  fs.symlinkSync(path.join(ROOT, 'crates'), path.join(place, 'crates'));
  fs.copyFileSync(addonOf(platform), path.join(place, 'node', path.basename(addonOf(platform))));
  return place;
}

/** The environment without anything about AWS: the tests set their own. */
function environment(more) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|AMAZON|DYNAMODB)_/.test(name));
  return {
    CARGO_TARGET_DIR: path.join(ROOT, 'target'), ...Object.fromEntries(kept), STRESS: '1', TEST_TIME_FACTOR: '10', ...more,
  };
}

const filesIn = (place, folder) => fs.readdirSync(path.join(place, folder), { recursive: true })
  .filter((name) => name.endsWith('.test.js')).map((name) => path.join(folder, name)).sort();

/** The names of tests that failed, without the suites around them. */
function failuresIn(tap) {
  const lines = tap.split('\n');
  return lines.flatMap((line, n) => {
    const failed = /^\s*not ok \d+ - (.*?)(?: # .*)?$/.exec(line);
    if (!failed || /# (TODO|SKIP)/.test(line)) return [];
    const details = lines.slice(n + 1, n + 12).join('\n');
    return /type: 'suite'/.test(details) ? [] : [failed[1]];
  });
}

/** What a program prints. It prints to a file, because Wine cannot give a pipe of this system to Node. */
function outputOf({ node, env }, args, cwd, file) {
  const descriptor = fs.openSync(file, 'w');
  const { error } = spawnSync(node, args, { cwd, env: environment(env), stdio: ['ignore', descriptor, descriptor] });
  fs.closeSync(descriptor);
  if (error) throw error;
  return fs.readFileSync(file, 'utf8');
}

function run(runtime, place, folder) {
  const begun = Date.now();
  // One file at a time: an emulated processor is slow, and the client has its time limits.
  const args = ['--test', '--test-reporter=tap', '--test-concurrency=1', ...filesIn(place, `node/test/${folder}`)];
  const stdout = outputOf(runtime, args, place, path.join(place, `${folder.replaceAll('/', '-')}.tap`));
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)`, 'm').exec(stdout)?.[1] ?? NaN);
  return {
    folder,
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skipped: count('skipped'),
    seconds: Math.round((Date.now() - begun) / 1000),
    failures: failuresIn(stdout),
  };
}

async function runAll(platform) {
  const node = runtimes[platform]();
  // What is tested: a commit that is made while the tests run does not count.
  const tested = { platform, commit: commit(), day: new Date().toISOString().slice(0, 10) };
  const place = packageFor(platform);
  // Wine's programs cannot start one of this system. An engine that a test starts is the platform's, where it is built.
  const servers = platform.startsWith('win32') ? await Promise.all([startEngine(), startFaultServer()]) : [];
  const [engine, faults] = servers;
  const env = engine ? {
    DYNAMODB_ENDPOINT: engine.endpoint,
    DYNAMODB_SESSION_BIN: path.join(ARTIFACTS, platform, 'dynamodb-session.exe'),
    FAULT_SERVER: JSON.stringify(faults),
  } : {};
  // By this, packages with a prebuilt addon choose that of musl on another system than Alpine.
  if (platform.endsWith('musl')) env.LIBC = 'musl';
  // The emulator would have to load what is made for the emulated processor.
  if (platform.includes('arm64')) env.NO_PRELOAD = '1';
  const runtime = { node, env };
  const version = outputOf(runtime, ['-p', 'process.version'], place, path.join(place, 'version')).trim();
  let failures = 0;
  for (const folder of options.folder) {
    const result = run(runtime, place, folder);
    const { passed, failed, skipped } = result;
    console.log(`${platform}: ${folder}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${result.seconds} s`);
    result.failures.forEach((name) => console.log(`  ${name}`));
    remember({ ...tested, version, ...result });
    failures += failed;
  }
  await Promise.all(servers.map((server) => server.stop()));
  return failures;
}

/** What was run, and when: also by earlier runs, each with its commit. */
function remember(result) {
  const file = path.join(ROOT, 'target/release-test/results.json');
  const earlier = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : [];
  const others = earlier.filter(({ platform, folder }) => platform !== result.platform || folder !== result.folder);
  const results = [...others, result];
  fs.writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  fs.writeFileSync(path.join(ROOT, 'docs/platforms-report.md'), report(results));
}

/** The commit, and whether there are changes that are not in it. The report itself does not count. */
function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changes = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/platforms-report.md');
  return `${git('rev-parse', '--short', 'HEAD')}${changes && ' with changes'}`;
}

function report(results) {
  const order = Object.keys(runtimes);
  const sorted = [...results].sort((a, b) => order.indexOf(a.platform) - order.indexOf(b.platform));
  const rows = sorted.map((one) => `| ${[one.platform, one.version, `\`node/test/${one.folder}\``, one.passed, one.failed,
    one.skipped, one.seconds, one.day, one.commit].join(' | ')} |`);
  const failures = sorted.flatMap((one) => one.failures.map((name) => `- ${one.platform}, ${one.folder}: ${name}`));
  return `# Tests in Node.js of other platforms

Written by \`make test-platforms\`, with the addons of \`make release\`. ARM is emulated by qemu, and Windows is Wine. Both are
slow: the tests wait ten times as long there, but tests of the store's own time limits can fail. Tests that start an engine
of their own start the program for Windows under Wine.

| platform | Node.js | tests | passed | failed | skipped | s | day | commit |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
${failures.length ? `\nFailed:\n\n${failures.join('\n')}\n` : ''}`;
}

const built = Object.keys(runtimes).filter((platform) => fs.existsSync(addonOf(platform)));
const wanted = positionals.length > 0 ? positionals : built;
for (const platform of wanted) {
  if (!runtimes[platform]) throw new Error(`no Node.js of ${platform} runs here; known: ${Object.keys(runtimes).join(', ')}`);
  if (!fs.existsSync(addonOf(platform))) throw new Error(`${platform} is not built: make release PLATFORM=${platform}`);
}
if (wanted.length === 0) throw new Error('nothing is built: make release');

async function main() {
  for (const platform of wanted) {
    const failures = await runAll(platform);
    // Also if a count is missing.
    if (failures !== 0) process.exitCode = 1;
  }
}

main();
