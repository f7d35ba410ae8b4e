'use strict';

// What the page about installing shows, for the tests to run: page and test cannot disagree.

const { blocksOf, tablesOf, unquoted } = require('../docs/markdown');

const PAGE = 'docs/installing.md';

function only(found, what) {
  if (found.length !== 1) throw new Error(`${PAGE} has ${found.length} × ${what}`);
  return found[0];
}

// The snippet with this marker.
const snippet = (marker) => only(blocksOf(PAGE).filter((block) => block.marker === marker), `the snippet ${marker}`).text;

// The row under a heading whose first cell begins with this word.
snippet.row = (heading, first) => only(
  tablesOf(PAGE).filter((table) => table.heading === heading).flatMap(({ rows }) => rows)
    .filter(([cell]) => unquoted(cell).split(/[ ,]/)[0].toLowerCase() === first),
  `the row ${first}`,
);

module.exports = snippet;
