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

it('the support matrix', () => {
  const [platform, node, , , , rust] = page.rows('Supported', '');
  const named = platform.slice(1).join(' ').match(/\b(linux|darwin|win32)-[\w-]+/g);
  assert.deepEqual(sorted(named), sorted(platforms.map(({ name }) => name)));
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
