'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const checksOf = require('./page');

const page = checksOf('docs/migrating.md');

it('what costs more comes first', () => {
  const [first] = page.text().split('\n').filter((line) => line.startsWith('- '));
  assert.match(first, /strongly consistent, which doubles.*`consistentRead: false` turns it off/);
});

page.complete();
