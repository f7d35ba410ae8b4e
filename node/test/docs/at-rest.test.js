'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const vm = require('node:vm');
const vectors = require('../../../crates/dynamodb-session/tests/fixtures/envelopes.json');
const { useEngine } = require('../support/engine');
const { environment } = require('./app');
const { builds, isExample } = require('./commands');
const { codeIn, read } = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/at-rest.md');

page.snippet('node', (t, { text }) => {
  const options = vm.runInNewContext(`${text}; store`, {
    DynamoDBStore: function Store(given) { return given; },
    process: { env: { SESSION_ENCRYPTION_KEY: 'a key' } },
    readSecret: () => '[]',
  });
  const known = ['keys', 'mode', 'context', 'pad'];
  assert.deepEqual(Object.keys(options.encryption).filter((name) => !known.includes(name)), []);
});

page.snippet('example', async (t, snippet) => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const printed = await builds(isExample(snippet), { ...environment(engine), SESSION_ENCRYPTION_KEY: key });
  assert.equal(printed, '"Ada"\n');
});

it('somebody who has this can do that: each cell says something', () => {
  const rows = page.rows('What it protects', 'somebody');
  assert.ok(rows.length > 6);
  rows.forEach((cells) => assert.ok(cells.length === 4 && cells.every(Boolean), cells[0]));
});

it('the modes are those of the core, in the order of a roll-out', () => {
  const source = read('crates/dynamodb-session/src/options/encryption.rs');
  const known = [...source.matchAll(/"(\w+)" => Ok\(Self::/g)].map(([, name]) => name);
  const rows = page.rows('Roll-out', 'step');
  assert.deepEqual(rows.map(([, mode]) => codeIn(mode)[0]), known);
  assert.deepEqual(rows.map(([, , opens]) => opens), ['yes', 'yes', 'yes']);
  assert.deepEqual(rows.map(([, , , accepts]) => accepts.startsWith('yes')), [true, true, false]);
  assert.deepEqual(rows.map((cells) => cells[4]), ['plain', 'encrypted', 'encrypted']);
});

describe('the format', () => {
  it('the attributes are those of the core', () => {
    const source = read('crates/dynamodb-session/src/item/attributes.rs');
    const names = [...source.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    page.column('The format', 'attribute').forEach((name) => assert.ok(names.includes(name), name));
  });

  const rows = page.rows('The format', 'bytes');
  vectors.forEach(({ name, keyId, envelope }) => it(`the parts of an envelope: ${name}`, () => {
    const bytes = Buffer.from(envelope, 'base64');
    const parts = rows.filter(([, , when]) => when === 'always' || keyId);
    const fixed = parts.map(([size]) => (size === 'any' ? 0 : Number(size)));
    const payload = bytes.length - fixed.reduce((sum, size) => sum + size, 0);
    assert.ok(payload > 0);
    assert.equal(bytes[0], 1);
    // The flags are named in their order.
    const flags = [...rows[1][1].matchAll(/(\d) (\w+)/g)];
    const expected = flags.filter(([, , flag]) => (flag === 'encrypted' ? keyId : name.includes(flag)));
    assert.equal(bytes[1], expected.reduce((sum, [, value]) => sum + Number(value), 0));
    if (keyId) {
      assert.equal(bytes.subarray(2, 6).toString('latin1').replace(/\0+$/, ''), keyId);
      const header = fixed.slice(0, 5).reduce((sum, size) => sum + size, 0);
      assert.match(page.section('The format'), new RegExp(`payload: ${header}\\s+bytes`));
    }
  }));
});

page.complete();
