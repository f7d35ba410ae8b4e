'use strict';

// One page of the manual and its checks: every snippet and every table of the page needs one. A test file here checks
// one page, and ends with `complete()`.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const {
  blocksOf, codeIn, read, sectionOf, tablesOf, unquoted,
} = require('./markdown');

function checksOf(file) {
  const snippets = blocksOf(file);
  const tables = tablesOf(file);
  const unchecked = new Set([...snippets, ...tables]);
  const place = ({ line }) => `${file}:${line}`;

  const page = {
    file,
    text: () => read(file),
    section: (heading) => sectionOf(file, heading),
    codeIn: (heading) => codeIn(sectionOf(file, heading)),

    // Checks each snippet whose marker begins with these words.
    snippet(words, check) {
      const found = snippets.filter(({ marker }) => marker === words || marker.startsWith(`${words} `));
      assert.ok(found.length > 0, `${file} has a snippet after <!-- test: ${words} -->`);
      found.forEach((snippet) => {
        unchecked.delete(snippet);
        it(`${place(snippet)} ${snippet.language} (${snippet.marker})`, { timeout: 300000 }, (t) => check(t, snippet));
      });
    },

    // The table under a heading whose first column is called so: its rows. The caller checks them.
    rows(heading, first, more = () => true) {
      const found = tables.find((table) => table.heading === heading && table.head[0] === first && more(table));
      assert.ok(found, `${file} has a table under ${heading} with the column ${first}`);
      unchecked.delete(found);
      return found.rows;
    },
    column: (...table) => page.rows(...table).map(([cell]) => unquoted(cell)),

    // All tables, for a page whose tables are all of one kind.
    tables() {
      tables.forEach((table) => unchecked.delete(table));
      return tables;
    },

    // What this page shows as another page does: that one is checked.
    sameSnippet(words, other) {
      page.snippet(words, (t, { text }) => {
        assert.deepEqual([text], blocksOf(other).filter(({ marker }) => marker === words).map((block) => block.text));
      });
    },

    complete() {
      it(`${file}: every snippet and table is checked`, () => {
        assert.deepEqual([...unchecked].map(place), [], 'give each a check in this file, and each snippet a <!-- test: … -->');
      });
    },
  };
  return page;
}

module.exports = checksOf;
