'use strict';

// What of the release workflow can be checked without running it.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const platforms = require('../../npm/platforms.json');

const ROOT = path.resolve(__dirname, '../../..');
const FOLDER = path.join(ROOT, '.github/workflows');
const workflows = fs.readdirSync(FOLDER).map((name) => [name, fs.readFileSync(path.join(FOLDER, name), 'utf8')]);
const release = Object.fromEntries(workflows)['release.yml'];

/** The text of each job. */
const jobs = Object.fromEntries(release.split(/^jobs:$/m)[1].split(/^(?= {2}[\w-]+:$)/m)
  .map((text) => [/^ {2}([\w-]+):$/m.exec(text)?.[1], text]).filter(([name]) => name));
const listed = (job) => [...jobs[job].matchAll(/\{ platform: ([\w-]+), (?:target: ([\w-]+), )?runner: ([\w.-]+) \}/g)]
  .map(([, platform, target]) => ({ platform, target }));

test('every action is one commit, not a name that can move', () => {
  workflows.forEach(([name, text]) => [...text.matchAll(/uses: (\S+)(.*)/g)].forEach(([, action, comment]) => {
    if (action.startsWith('./')) assert.ok(fs.existsSync(path.join(ROOT, action)), `${name}: ${action}`);
    else assert.match(action + comment, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
  }));
});

test('each system, processor and C library has one platform', () => {
  const place = ({ os: system, cpu, libc }) => [system, cpu, libc].join();
  const built = listed('build').map(({ platform, target }) => {
    const found = platforms.find(({ name }) => name === platform);
    assert.equal(target, found?.target, platform);
    return place(found);
  });
  assert.deepEqual(built.sort(), [...new Set(platforms.map(place))].sort());
  assert.ok(jobs.pack.includes(`= ${2 * built.length} #`), 'the number of binaries that are packed');
});

test('what is installed is what was built, except where Node.js for musl would be needed', () => {
  const built = listed('build').map(({ platform }) => platform).filter((name) => !name.endsWith('-musl'));
  assert.deepEqual(listed('install').map(({ platform }) => platform), built);
});

test('nothing is published before all checks', () => {
  const [, needed] = /^ {4}needs: \[(.*)\]$/m.exec(jobs.publish);
  const others = Object.keys(jobs).filter((name) => !['publish', 'github-release'].includes(name));
  assert.deepEqual(needed.split(', ').sort(), others.sort());
  assert.match(jobs['github-release'], /^ {4}needs: publish$/m);
  assert.match(release, /^ {2}push:\n {4}tags: .*\n\n/m);
  assert.match(jobs.publish, /^ {4}if: github\.event_name == 'push' # of a tag$/m);
  assert.match(jobs.publish, /^ {4}environment: release$/m);
});

test('only publishing has rights beyond reading', () => {
  assert.match(release, /^permissions:\n {2}contents: read\n\n/m);
  Object.entries(jobs).forEach(([name, text]) => {
    assert.equal(/: write\b/.test(text), ['publish', 'github-release'].includes(name), name);
  });
});

test('nothing of others is built or installed where it could publish', () => {
  ['publish', 'github-release'].forEach((name) => {
    assert.doesNotMatch(jobs[name], /npm (ci|install|exec)|npx|make |cargo /, name);
  });
  assert.match(jobs.publish, /publish-crates --no-verify$/m);
});

test('what it runs is there', () => {
  const makefile = fs.readFileSync(path.join(ROOT, 'Makefile'), 'utf8');
  const targets = [...release.matchAll(/run: make ([\w-]+)/g)].map(([, target]) => target);
  assert.ok(targets.includes('package-crates'));
  const missing = targets.filter((target) => !makefile.includes(`\n${target}:`));
  assert.deepEqual(missing, []);
  [...release.matchAll(/(?<![\w/])(\.ci|node\/scripts)\/[\w.-]+/g)].forEach(([file]) => assert.ok(fs.existsSync(path.join(ROOT, file)), file));
});
