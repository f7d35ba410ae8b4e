'use strict';

// The page is written by `make test-platforms`.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const platforms = require('../../npm/platforms.json');
const checksOf = require('./page');

const page = checksOf('docs/platforms-report.md');
const rows = page.rows('Tests in Node.js of other platforms', 'platform');

it('each row is of a platform, and says which tests failed', () => {
  assert.ok(rows.length > 0);
  const listed = page.text().split('\n').filter((line) => line.startsWith('- ')).length;
  assert.equal(listed, rows.reduce((sum, [, , , , failed]) => sum + Number(failed), 0));
  rows.forEach(([name, , , passed]) => {
    assert.ok(platforms.some((platform) => platform.name === name), name);
    assert.ok(Number(passed) > 0, name);
  });
});

page.complete();
