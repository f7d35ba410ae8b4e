'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { it } = require('node:test');
const { makes } = require('./commands');
const { ROOT, codeIn } = require('./markdown');
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
  page.rows('Long files', 'file');
  execFileSync(path.join(ROOT, '.ci/long-files'), { encoding: 'utf8' });
});

page.complete();
