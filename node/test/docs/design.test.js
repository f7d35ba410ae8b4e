'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { ROOT, unquoted } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('DESIGN.md');
const crates = fs.readdirSync(path.join(ROOT, 'crates'));

page.snippet('shape', (t, { text }) => {
  const named = text.match(/dynamodb-session(-\w+)?(?=[ ─])/g);
  named.forEach((name) => assert.ok(crates.includes(name), name));
});

it('the table of folders has every crate', () => {
  const folders = page.column('The folders', 'folder');
  assert.deepEqual(folders.filter((folder) => folder.startsWith('crates/')).map((folder) => path.basename(folder)).sort(), crates.sort());
  folders.forEach((folder) => assert.ok(fs.existsSync(path.join(ROOT, folder)), folder));
});

const isNamed = (under, names) => {
  const all = fs.readdirSync(path.join(ROOT, under), { withFileTypes: true })
    .map((entry) => entry.name.replace(/\.(rs|js)$/, '')).filter((name) => !['lib', 'tests'].includes(name));
  const missing = [...new Set(all)].filter((name) => !names.some((named) => new RegExp(`(^|[ /\`{,])${name}\\b`).test(named)));
  assert.deepEqual(missing, [], `modules of ${under} that the map does not name`);
};

it('the table of the core has every module', () => {
  isNamed('crates/dynamodb-session/src', page.rows('The core', 'module').map((cells) => cells.join(' ')));
});

it('the table of the npm package has every folder of its sources', () => {
  const named = page.column('The npm package', 'module').map(unquoted).join();
  fs.readdirSync(path.join(ROOT, 'node/lib'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    .forEach(({ name }) => assert.ok(named.includes(`lib/${name}/`), name));
});

page.complete();
