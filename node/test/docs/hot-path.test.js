'use strict';

// The figures are of a sampling profiler; what can be checked is that they add up.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { unquoted } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/hot-path.md');

describe('parts add up', () => {
  page.tables().forEach(({ line, head, rows }) => {
    const total = rows.findIndex(([name]) => name === '**together**');
    if (total < 0) return;
    head.slice(1).forEach((column, index) => {
      it(`line ${line}: ${column}`, () => {
        // "the native part is 0.15" is no part: each cell is one number.
        const cells = rows.slice(0, total).map((cells_) => Number(cells_[index + 1] || 0));
        const sum = cells.reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - Number(unquoted(rows[total][index + 1]).replaceAll('*', ''))) < 0.15, String(sum));
      });
    });
  });
});

it('the memory of a process is the sum of its parts', () => {
  const parts = page.rows('Memory', '').map(([, megabytes]) => Number(megabytes));
  const [, total] = /has (\d+) MB/.exec(page.section('Memory'));
  assert.ok(Math.abs(parts.reduce((a, b) => a + b, 0) - Number(total)) <= 1.5);
});

page.complete();
