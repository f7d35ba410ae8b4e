'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const manifest = require('../../package.json');
const readme = require('../../scripts/readme');
const { useEngine } = require('../support/engine');
const { local } = require('../support/options');
const {
  MODULES, countsViews, environment, project, temporary,
} = require('./app');
const { run } = require('./commands');
const declared = require('./declared');
const {
  ROOT, blocksOf, commandsOf, read, sorted,
} = require('./markdown');
const checksOf = require('./page');

const engine = useEngine();
const page = checksOf('docs/koa.md');

// The first line is the step `addon` of `make test`; the second is run.
page.snippet('pack', async (t, snippet) => {
  const [build, pack, ...more] = commandsOf(snippet);
  assert.deepEqual(more, []);
  assert.ok(manifest.scripts[/^npm run --prefix node (\w+)$/.exec(build)[1]]);
  const [, script] = /^node (\S+) target\/npm$/.exec(pack);
  const out = temporary(t);
  const { stdout } = await run(process.execPath, [path.join(ROOT, script), out], { cwd: ROOT });
  const made = stdout.trim().split('\n').map((file) => path.basename(file));
  // What `npm install` is given further down. The packaging tests install them, into an empty project.
  const install = blocksOf(page.file).find(({ marker }) => marker === 'install');
  const given = commandsOf(install)[0].split(/\s+/).slice(2);
  assert.deepEqual(given.map((file) => path.basename(file)), made);
  given.forEach((file) => assert.equal(path.dirname(file), '../dynamodb-session/target/npm'));
  const { stdout: content } = await run('tar', ['-xOzf', path.join(out, made[0]), 'package/README.md'], { maxBuffer: 1e8 });
  assert.equal(content, readme(read('README.md')));
});
page.snippet('install', (t, snippet) => assert.match(commandsOf(snippet)[0], /^npm install /)); // see `pack`

page.snippet('koa', async (t, { text }) => {
  await t.test('koa-session 7', (inner) => countsViews(inner, text, { env: environment(engine) }));
  // The line that differs, as the page says it.
  const line = page.codeIn('The app').find((code) => /^const createSession = /.test(code));
  const other = text.replace("const { createSession } = require('koa-session');", line);
  assert.notEqual(other, text);
  const options = { env: environment(engine), koaSession: 'koa-session-6' };
  await t.test('koa-session 6', (inner) => countsViews(inner, other, options));
});
page.snippet('koa-esm', (t, { text }) => countsViews(t, text, { extension: 'mjs', env: environment(engine) }));
page.snippet('koa-local', (t, { text }) => {
  const here = text.replace('http://localhost:8000', engine.endpoint);
  assert.notEqual(here, text);
  return countsViews(t, here);
});

page.snippet('types', async (t, { text }) => {
  const dir = project(t);
  fs.writeFileSync(path.join(dir, 'store.ts'), text);
  const options = {
    noEmit: true, strict: true, module: 'node16', target: 'es2022', types: ['node'],
  };
  fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['store.ts'] }));
  await run(process.execPath, [path.join(MODULES, 'typescript/bin/tsc'), '-p', dir])
    .catch((error) => assert.fail(error.stdout));
});

it('the class has the methods and properties it says', () => {
  const members = [...declared('koa', 'class', 'KoaDynamoDBStore'), ...declared('common', 'interface', 'Store')]
    .filter((name) => name !== 'constructor');
  const methods = page.column('Methods and properties', 'method').map((cell) => cell.replace(/\(.*/, ''));
  const properties = page.column('Methods and properties', 'property');
  assert.deepEqual(sorted([...methods, ...properties]), sorted(members));
  const store = new DynamoDBStore(local(engine.endpoint, 'sessions'));
  methods.forEach((name) => assert.equal(typeof store[name], 'function', name));
  properties.forEach((name) => assert.ok(name in store, name));
  const prototype = Object.getOwnPropertyNames(DynamoDBStore.prototype).filter((name) => name !== 'constructor');
  assert.deepEqual(sorted([...prototype, ...Object.keys(store)]), sorted(members));
});

it('the README that npm shows has links that lead to the repository', () => {
  const text = '[a](docs/koa.md) ![b](docs/benchmarks.svg) [c](https://example.com) [d](#koa) `[e](f)`';
  assert.equal(readme(text, undefined), text);
  const repository = { url: 'git+https://git.example/owner/name.git' };
  assert.equal(
    readme(text, repository),
    '[a](https://git.example/owner/name/blob/HEAD/docs/koa.md) ![b](https://git.example/owner/name/raw/HEAD/docs/benchmarks.svg) '
      + '[c](https://example.com) [d](#koa) `[e](f)`',
  );
});

page.complete();
