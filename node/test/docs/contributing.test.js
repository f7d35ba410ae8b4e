'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { makes } = require('./commands');
const { codeIn } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('CONTRIBUTING.md');

page.snippet('make', makes);

// That the places exist is checked with all paths.
it('the table of tests names a place in each row', () => {
  page.rows('Tests', 'where').forEach(([where]) => assert.ok(codeIn(where).length > 0, where));
});

page.complete();
