'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { makes } = require('./commands');
const { ROOT, codeIn, read } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('CONTRIBUTING.md');

page.snippet('make', makes);

// That the places exist is checked with all paths.
it('the table of tests names a place in each row', () => {
  page.rows('Tests', 'where').forEach(([where]) => assert.ok(codeIn(where).length > 0, where));
});

it('every change that the table has leads to files', () => {
  page.rows('How to add …', 'change').forEach(([change, touched]) => assert.ok(codeIn(touched).length > 0, change));
});

it('each word of the glossary is there once, and is not a word to avoid', () => {
  const rows = page.rows('Glossary', 'word');
  const words = rows.flatMap(([word]) => word.split(', '));
  assert.deepEqual([...new Set(words)], words);
  rows.forEach(([word, , avoided]) => assert.notEqual(word, avoided));
});

it('every source file of more than 500 lines has its reason', () => {
  const reasons = page.column('Long files', 'file');
  const sources = execFileSync('git', ['ls-files', 'crates/*.rs', 'node/src/*.rs', 'node/lib/*.js', 'node/scripts/*.js', 'bench/*.js'], { cwd: ROOT, encoding: 'utf8' })
    .split('\n').filter((file) => file && !/\btests?\b/.test(file) && fs.existsSync(path.join(ROOT, file)));
  const long = sources.filter((file) => read(file).trimEnd().split('\n').length > 500);
  assert.deepEqual(long.filter((file) => !reasons.includes(file)), []);
});

page.complete();
