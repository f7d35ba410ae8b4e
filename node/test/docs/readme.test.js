'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const manifest = require('../../package.json');
const platforms = require('../../npm/platforms.json');
const { makes, isExample } = require('./commands');
const {
  PAGES, read, sorted, tablesOf,
} = require('./markdown');
const checksOf = require('./page');

const page = checksOf('README.md');

page.snippet('make', makes);
['pack', 'install', 'koa'].forEach((name) => page.sameSnippet(name, 'docs/koa.md'));
page.sameSnippet('express', 'docs/express.md');
page.sameSnippet('fastify', 'docs/fastify.md');
// `make test` compiles them; the counters, which differ in the engine alone, are run by the tests of their crates.
page.snippet('example', (t, snippet) => { isExample(snippet); });

it('the guarantees are those of their page', () => {
  const rows = page.rows('Guarantees', 'guarantee');
  assert.deepEqual(rows, tablesOf('docs/guarantees.md')[0].rows);
});

it('the platforms, and those among them whose Node.js has run tests', () => {
  const rows = page.rows('Supported', 'platform');
  const named = (cells) => cells.flatMap(([names]) => names.split(', '));
  assert.deepEqual(sorted(named(rows)), sorted(platforms.map(({ name }) => name)));
  const ran = tablesOf('docs/platforms-report.md')[0].rows.map(([name]) => name);
  assert.deepEqual(sorted(named(rows.filter(([, seen]) => /^run/.test(seen)))), sorted([...new Set(ran)]));
  const baselines = [...new Set(platforms.map(({ glibc }) => glibc).filter(Boolean))];
  assert.ok(page.text().includes(`builds for glibc ${baselines.join()}, macOS ${platforms.find(({ macos }) => macos).macos.replace('.0', '')} `));
});

it('the support matrix', () => {
  const [node, , , , rust] = page.rows('Supported', '');
  assert.equal(`>=${node[1].split(',')[0]}`, manifest.engines.node);
  assert.ok(read('Cargo.toml').includes(`rust-version = "${rust[1]}"`));
  assert.ok(read('.ci/check-tools').includes(`at_least ${rust[1]} `));
});

it('the frameworks of the support matrix are those that the tests install', () => {
  const rows = page.rows('Supported', '');
  const versions = (name) => rows.find(([first]) => first === name)[1].split(', ');
  const installed = (name) => manifest.devDependencies[name].replace(/^.*[\^@]/, '');
  assert.deepEqual(versions('koa-session'), ['koa-session-6', 'koa-session'].map((name) => installed(name).split('.')[0]));
  assert.ok(versions('express-session').includes(installed('express-session').split('.').slice(0, 2).join('.')));
  assert.deepEqual(versions('@fastify/session'), [installed('@fastify/session').split('.')[0]]);
});

it('the manual links every page', () => {
  const linked = page.rows('Manual', '').map(([, links]) => links).join().match(/docs\/[\w-]+\.md/g);
  assert.deepEqual(sorted(linked), PAGES.filter((file) => /^docs\/[\w-]+\.md$/.test(file)));
});

page.complete();
