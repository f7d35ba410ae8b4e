'use strict';

// docs/configuration.md lists the settings of the table in the core, in its order, and the core reads no other.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { ROOT, codeIn, read } = require('./markdown');
const checksOf = require('./page');

const CLIENT = 'crates/dynamodb-session/src/client';
const TABLE = `${CLIENT}/settings.rs`;

const page = checksOf('docs/configuration.md');
const rows = page.tables().flatMap((table) => table.rows);

const text = read(TABLE);
const settings = [...text.matchAll(/^ {4}([A-Z0-9_]+) = \[(.*)\], "(.*)";$/gm)].map(([, name, variables, key]) => ({
  name, variables: [...variables.matchAll(/"([^"]+)"/g)].map(([, variable]) => variable), key,
}));
// The URL of a service stands in a services section.
const sections = Object.fromEntries([...text.matchAll(/service\((\w+_URL), "(\w+)", /g)].map(([, name, key]) => [name, key]));

it('the page lists each setting, in the order of the table', () => {
  assert.ok(settings.length > 40);
  assert.deepEqual(
    rows.map(([variables, inProfile]) => [codeIn(variables), codeIn(inProfile)]),
    settings.map(({ name, variables, key }) => {
      if (sections[name]) return [variables, [sections[name], 'endpoint_url']];
      return [variables, key ? [key] : []];
    }),
  );
});

it('the page says of each what it does', () => rows.forEach(([, , what]) => assert.ok(what.length > 5, what)));

describe('no other file of the client names a variable or asks a profile by name', () => {
  const files = fs.readdirSync(path.join(ROOT, CLIENT), { recursive: true })
    .filter((file) => file.endsWith('.rs') && !/\btests?(ing)?\b/.test(file))
    .map((file) => `${CLIENT}/${file}`)
    .filter((file) => file !== TABLE);

  it('there are such files', () => assert.ok(files.length > 30));

  files.forEach((file) => it(file, () => {
    const code = read(file).replace(/\/\/.*$/gm, '');
    const variables = [...code.matchAll(/"((?:AWS|AMAZON|BOTO|NODE|SSL)_[A-Z0-9_]+|(?:https?|no)_proxy)"/gi)].map(([, name]) => name);
    const asked = [...code.matchAll(/\b(?:environment|profile)\.(?:get|text)\("([^"]*)"/g)].map(([, name]) => name);
    assert.deepEqual([...variables, ...asked], []);
  }));
});

it('what has no effect is not in the table', () => {
  const names = settings.flatMap(({ variables, key }) => [...variables, key]);
  const without = page.codeIn('Without effect');
  assert.ok(without.length > 3);
  without.forEach((name) => assert.ok(!names.includes(name), name));
});

page.complete();
