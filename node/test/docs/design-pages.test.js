'use strict';

// The pages under docs/design: a file for all of them, because each has one table or diagram at most.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const {
  ROOT, PAGES, codeIn, read, sorted, tablesOf, unquoted,
} = require('./markdown');
const checksOf = require('./page');

const item = checksOf('docs/design/item.md');
item.snippet('item', (t, { text }) => {
  const shown = [...text.matchAll(/(\w+): ([SNMB])\b/g)].map(([, name, type]) => [name, type]);
  const table = tablesOf('docs/table-and-iam.md')[0].rows.map(([name, type]) => [unquoted(name), type]);
  assert.deepEqual(shown.sort(), table.sort());
});
item.complete();

const protocol = checksOf('docs/design/protocol.md');
it('the verbs are those of the store', () => {
  const source = read('crates/dynamodb-session/src/store.rs');
  protocol.column('Design: the protocol', 'verb').forEach((verb) => {
    assert.match(source, new RegExp(`pub async fn ${verb}\\b`));
  });
});
it('the rules of a repeated write have a row for each result', () => {
  const source = read('crates/dynamodb-session/src/protocol/rules.rs');
  const [, variants] = /^pub\(super\) enum Next \{\n(.*?)\n\}/ms.exec(source);
  const results = [...variants.matchAll(/^ {4}(\w+),$/gm)].map(([, name]) => name);
  const rows = protocol.rows('Why is a repeated write safe?', 'it meets');
  assert.deepEqual(sorted(rows.map(([, , result]) => unquoted(result))), sorted(results));
});
protocol.complete();

const testing = checksOf('docs/design/testing.md');
it('the fuzz targets are those that there are', () => {
  const targets = fs.readdirSync(path.join(ROOT, 'fuzz/corpus'));
  assert.deepEqual(sorted(testing.column('What is fuzzed?', 'target')), sorted(targets));
});
testing.complete();

const dependencies = checksOf('docs/design/dependencies.md');
it('the dependencies are those of the manifests', () => {
  const rows = dependencies.rows('Design: dependencies', 'crate');
  const named = rows.flatMap(([names]) => names.match(/[a-z][\w-]*/g));
  const manifests = fs.readdirSync(path.join(ROOT, 'crates')).map((name) => `crates/${name}/Cargo.toml`);
  const text = ['Cargo.toml', 'node/Cargo.toml', 'fuzz/Cargo.toml', ...manifests].map(read).join('\n');
  const declared = [...text.matchAll(/^\[((?:workspace\.|target\.[^\]]*\.)?(?:dev-|build-)?dependencies)\]\n((?:(?!\[).*\n?)*)/gm)]
    .flatMap(([, , body]) => [...body.matchAll(/^([\w-]+)(?:\.workspace)? = (.*)$/gm)])
    .map(([, name, value]) => /package = "([\w-]+)"/.exec(value)?.[1] ?? name)
    .filter((name) => !name.startsWith('dynamodb-session'));
  const missing = sorted(declared).filter((name) => !named.includes(name) && name !== 'dynoxide');
  assert.deepEqual(missing, []);
});
it('the programs of the packaging tests are those of their manifest', () => {
  const rows = dependencies.rows('Which programs do the packaging tests use?', 'program');
  const declared = JSON.parse(read('node/test/packaging/tools/package.json')).dependencies;
  assert.deepEqual(sorted(rows.flatMap(([names]) => codeIn(names))), sorted(Object.keys(declared)));
});
dependencies.complete();

it('a page of the design asks questions', () => {
  PAGES.filter((file) => file.startsWith('docs/design/') && !file.endsWith('dependencies.md')).forEach((file) => {
    const headings = [...read(file).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    headings.forEach((heading) => assert.match(heading, /\?$/, file));
  });
});
