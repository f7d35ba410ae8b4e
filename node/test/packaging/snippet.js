'use strict';

// A snippet of the page about installing, by the words of its marker: page and test cannot disagree.

const { blocksOf } = require('../docs/markdown');

module.exports = function snippet(marker) {
  const found = blocksOf('docs/installing.md').filter((block) => block.marker === marker);
  if (found.length !== 1) throw new Error(`docs/installing.md has ${found.length} snippets ${marker}`);
  return found[0].text;
};
