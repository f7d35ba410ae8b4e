'use strict';

// The option table, what is made of it, and the native options that carry it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { CONVERSIONS, check } = require('../../lib/options/check');
const layouts = require('../../lib/layouts');
const docs = require('../../lib/options/docs');
const { DYNAMO, STORE, TABLE } = require('../../lib/options/table');
const { ROOT, documented, outputs } = require('../../scripts/options');

describe('files made of the option table', () => {
  Object.entries(outputs()).forEach(([file, expected]) => {
    it(`${file} is up to date`, () => {
      const actual = fs.readFileSync(path.join(ROOT, file), 'utf8');
      assert.ok(actual === expected, `run \`npm run options\`: ${file} differs from lib/options`);
    });
  });
});

/** The fields of an interface of binding.d.ts. */
function fieldsOf(name) {
  const text = fs.readFileSync(path.join(__dirname, '../../binding.d.ts'), 'utf8');
  const [, body] = new RegExp(`^export interface ${name} \\{\\n(.*?)\\n\\}`, 'ms').exec(text);
  return [...body.matchAll(/^ {2}(\w+)\?/gm)].map(([, field]) => field).sort();
}

const carriers = (key) => [...new Set(documented().map(({ row }) => row[key]).filter(Boolean))].sort();

describe('the option table', () => {
  it('has a text for every option, and no other texts', () => {
    assert.deepEqual(documented().map(({ path: whole }) => whole), Object.keys(docs));
    documented().forEach(({ path: whole, doc }) => assert.match(doc.text, /^[A-Z`].*\.$/s, whole));
  });

  it('says of a time that it is in milliseconds', () => {
    documented().forEach(({ path: whole, row, doc }) => {
      assert.equal(doc.text.startsWith('Milliseconds'), row.unit === 'ms', whole);
    });
  });

  it('has only types that can be checked', () => {
    documented().forEach(({ path: whole, row }) => {
      assert.ok(Array.isArray(row.type) || Object.hasOwn(check, row.type), whole);
    });
  });

  it('has only conversions that exist, and all of them', () => {
    assert.deepEqual(carriers('carry'), Object.keys(CONVERSIONS).sort());
  });

  it('is pure data, because the bundle has it as JSON', () => {
    const tables = { DYNAMO, STORE, TABLE };
    assert.deepEqual(JSON.parse(JSON.stringify(tables)), tables);
  });

  it('fills the native options, every one of them', () => {
    assert.deepEqual(carriers('field'), fieldsOf('StoreOptions'));
    assert.deepEqual(carriers('tableField'), fieldsOf('TableOptions'));
  });

  it('names each file of lib/layouts as a layout', () => {
    const files = fs.readdirSync(path.join(__dirname, '../../lib/layouts')).filter((name) => name !== 'index.js');
    assert.deepEqual(layouts.OPTIONS.layout.type, files.map((name) => path.parse(name).name).sort());
  });

  it('gives no name twice', () => {
    [{ ...STORE, ...layouts.OPTIONS }, TABLE, DYNAMO].forEach((rows) => {
      const names = Object.entries(rows).flatMap(([name, { alias }]) => [name, alias].filter(Boolean));
      assert.equal(new Set(names).size, names.length);
    });
  });
});
