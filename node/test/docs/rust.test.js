'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { useEngine } = require('../support/engine');
const { environment } = require('./app');
const { builds, isExample } = require('./commands');
const {
  ROOT, blocksOf, commandsOf, read, unquoted,
} = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/rust.md');

// What the example below it needs, and no more.
page.snippet('cargo', (t, { text }) => {
  const names = [...text.matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
  assert.deepEqual(names, ['dynamodb-session', 'serde', 'tokio']);
  const [, at] = /path = "\.\.\/dynamodb-session\/([^"]+)"/.exec(text);
  assert.match(read(path.join(at, 'Cargo.toml')), /^name = "dynamodb-session"$/m);
  const example = blocksOf(page.file).find(({ marker }) => marker.endsWith(' quick_start')).text;
  names.forEach((name) => assert.match(example, new RegExp(`\\b${name.replaceAll('-', '_')}::`)));
});

// The workspace's own lints and tests compile the examples. The first is run; the second needs the HTTP client
// that aws-config has by default, and this workspace does without.
page.snippet('example', async (t, snippet) => {
  const example = isExample(snippet);
  const isRun = example.name === 'quick_start';
  const printed = await builds(example, isRun ? environment(engine) : undefined);
  if (isRun) assert.equal(printed, 'signed in\n2 views\n');
});

// The tests of each crate run its example; here, that they are called so.
page.snippet('rust-examples', (t, snippet) => commandsOf(snippet).forEach((line) => {
  const [, crate, example] = /^cargo run -p ([\w-]+) --example (\w+)$/.exec(line);
  assert.ok(fs.existsSync(path.join(ROOT, 'crates', crate, 'examples', `${example}.rs`)), line);
}));

it('the versions are those of the manifests', () => {
  page.rows('axum and actix', 'crate').map((cells) => cells.map(unquoted)).forEach(([crate, version, framework]) => {
    const manifest = read(`crates/${crate}/Cargo.toml`);
    assert.ok(manifest.includes(`version = "${version}.`), crate);
    [...framework.matchAll(/([\w-]+) (\d[\d.]*)/g)].forEach(([, name, needed]) => {
      assert.match(manifest, new RegExp(`^${name}(-core)? = (\\{ version = )?"${needed}`, 'm'), name);
    });
  });
});

page.complete();
