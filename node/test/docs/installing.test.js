'use strict';

// What docs/installing.md shows is what the packaging tests run: they take its snippets from the page.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { ROOT, blocksOf, codeIn } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/installing.md');
const FOLDER = path.join(ROOT, 'node/test/packaging');
const sources = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.js'))
  .map((name) => fs.readFileSync(path.join(FOLDER, name), 'utf8')).join('');

new Set(blocksOf(page.file).map(({ marker }) => marker)).forEach((marker) => {
  page.snippet(marker, () => assert.ok(sources.includes(`'${marker}'`), marker));
});

it('the images are of a Node.js that is tested', () => {
  const images = blocksOf(page.file).flatMap(({ text }) => [...text.matchAll(/^FROM \S+:(\d+)/gm)]);
  assert.equal(images.length, 4);
  images.forEach(([image, version]) => assert.ok(['22', '24'].includes(version), image));
});

it('the package managers are those of the tests', () => {
  page.column('Package managers', 'package manager').forEach((name) => {
    const [first] = name.toLowerCase().match(/^\w+( \d+)?/);
    const known = [first, first.replace(/ .*/, '')].some((each) => sources.includes(`\n  '${each}': `) || sources.includes(`\n  ${each}: `));
    assert.ok(known, name);
  });
});

it('the runtimes are those of the tests', () => {
  const tests = fs.readFileSync(path.join(FOLDER, 'runtimes.test.js'), 'utf8');
  const rows = page.rows('Runtimes', 'runtime');
  rows.slice(1).filter(([, how]) => how === 'each test run').forEach(([runtime]) => {
    const [name] = /permission model|\w+/.exec(runtime);
    assert.match(tests, new RegExp(`test\\(['\`](the )?${name}`));
  });
  assert.equal(rows[0][0], `Node.js ${['20', '22'].join(', ')} and 24`);
  assert.deepEqual(rows.filter(([, how]) => how.startsWith('not tested')).map(([runtime]) => runtime), ['Electron']);
});

it('the tools that bundle or trace are those of the tests', () => {
  const tests = ['bundlers', 'trace'].map((name) => fs.readFileSync(path.join(FOLDER, `${name}.test.js`), 'utf8')).join('');
  const rows = page.rows('Bundlers', 'tool');
  const tested = rows.filter(([, , , how]) => how === 'each test run').map(([tool]) => /@vercel\/nft|\w+/.exec(tool)[0].toLowerCase());
  assert.equal(tested.length, 8);
  tested.forEach((tool) => assert.ok(tests.includes(`'${tool}`), tool));
});

it('the messages are those of the tests', () => {
  const said = fs.readFileSync(path.join(ROOT, 'node/lib/unloadable.js'), 'utf8')
    + fs.readFileSync(path.join(ROOT, 'node/lib/binding.js'), 'utf8');
  page.rows('When the binary cannot be loaded', 'message').flatMap(([message]) => codeIn(message)).forEach((message) => {
    const [pattern] = [message.replace('musl', '${LIBC[libc]}')]; // eslint-disable-line no-template-curly-in-string
    assert.ok(said.includes(message) || said.includes(pattern) || message.includes('--allow-ffi'), message);
    assert.ok(sources.replaceAll('\\', '').includes(message), message);
  });
});

page.complete();
