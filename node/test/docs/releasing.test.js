'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { it } = require('node:test');
const { names } = require('../../scripts/pack');
const { makes } = require('./commands');
const {
  ROOT, codeIn, commandsOf, read, sorted, unquoted,
} = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/releasing.md');
const workflow = read('.github/workflows/release.yml');
const script = read('.ci/version');
const trust = read('node/scripts/trust.js');

const cargo = ['metadata', '--no-deps', '--format-version', '1', '--locked'];
const { packages } = JSON.parse(execFileSync('cargo', cargo, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8 }));
const crates = packages.filter(({ publish }) => publish === null);

it('what is published is what the manifests and the packages have', () => {
  const rows = page.rows('What is published', 'where');
  const named = (place) => rows.filter(([where]) => where === place).flatMap(([, what]) => codeIn(what));
  assert.deepEqual(sorted(named('crates.io')), sorted(crates.map(({ name }) => name)));
  const [shared] = rows.map(([, what]) => codeIn(what));
  const hasOwn = ({ name }) => !shared.includes(name);
  crates.forEach((crate) => {
    const isInherited = /^version\.workspace = true$/m.test(read(`crates/${crate.name}/Cargo.toml`));
    assert.equal(hasOwn(crate), !isInherited, crate.name);
  });
  named('npm').forEach((name) => assert.ok(names().includes(name), name));
});

it('each job of the workflow has a row for its failure', () => {
  const jobs = [...workflow.split(/^jobs:$/m)[1].matchAll(/^ {2}([\w-]+):$/gm)].map(([, name]) => name);
  const rows = page.rows('When a step fails', 'failed');
  assert.deepEqual(sorted(rows.flatMap(([failed]) => codeIn(failed))), sorted(jobs));
});

it('what is taken back is what is published', () => {
  const known = [...names(), ...crates.map(({ name }) => name)];
  page.rows('Taking a release back', 'where').forEach(([where, command]) => {
    const [named] = /(koa|dynamodb)-session[\w-]*/.exec(command) ?? [];
    assert.ok(where === 'GitHub' || known.includes(named), command);
  });
});

page.snippet('version', (t, { text }) => assert.match(text, /^\.ci\/version \d+\.\d+\.\d+\n$/));
page.snippet('repository', (t, { text }) => {
  const [, option] = /^\.ci\/version (--\w+) https:\/\/github\.com\/OWNER\/NAME\n$/.exec(text);
  assert.ok(script.includes(`first === '${option}'`));
});

page.snippet('tag', (t, { text }) => {
  const [, pattern] = /tags: \['(.+)'\]/.exec(workflow);
  const accepted = new RegExp(`^${pattern.replaceAll('.', '\\.')}$`);
  commandsOf({ text }).forEach((line) => assert.match(line.split(' ').at(-1), accepted));
});

page.snippet('after', (t, snippet) => {
  const [npx, binstall, attestation, version] = commandsOf(snippet);
  assert.match(npx, /^npx --yes koa-session-dynamodb-store@\S+ --version$/);
  assert.match(binstall, /^cargo binstall dynamodb-session-cli@\S+$/);
  const [, archive] = /^gh attestation verify (\S+) --repo OWNER\/NAME$/.exec(attestation);
  const { 'pkg-url': url } = crates.find(({ name }) => name === 'dynamodb-session-cli').metadata.binstall;
  assert.equal(archive, url.split('/').at(-1).replace('{ target }', 'x86_64-unknown-linux-gnu'));
  assert.match(version, /^\.ci\/version \d/);
});

page.snippet('trust', (t, snippet) => {
  const [login, command] = commandsOf(snippet);
  assert.equal(login, 'npm login');
  assert.ok(trust.includes(`usage: ${command.replace('node node/scripts', 'node scripts')}`));
  const [, file] = /WORKFLOW = '(.+)'/.exec(trust);
  const [, environment] = /ENVIRONMENT = '(.+)'/.exec(trust);
  assert.ok(read(`.github/workflows/${file}`).includes(`\n    environment: ${environment}\n`));
});

page.snippet('token', (t, { text }) => {
  const [, secret, environment] = /^gh secret set (\w+) --env (\w+)\n$/.exec(text);
  assert.ok(workflow.includes(`secrets.${secret} }}`));
  assert.ok(workflow.includes(`\n    environment: ${environment}\n`));
});

page.snippet('unpublished', (t, { text }) => {
  const [, pattern] = /'(.+)' -- README\.md docs crates\n$/.exec(text);
  const found = (file) => new RegExp(pattern).test(read(file));
  ['README.md', 'docs/koa.md', 'docs/rust.md', 'docs/cli.md'].forEach((file) => assert.ok(found(file), file));
});

page.snippet('try', (t, { text }) => {
  const [, name] = /^gh workflow run (\w+)\n$/.exec(text);
  assert.ok(workflow.includes(`\nname: ${name}\n`));
  assert.match(workflow, /^ {2}workflow_dispatch:$/m);
});

page.snippet('make', makes);
page.snippet('pack', (t, snippet) => {
  const [build, pack] = commandsOf(snippet);
  assert.ok(build.endsWith('&& npm run --prefix node build'));
  const source = read('node/scripts/pack.js');
  assert.ok(source.includes(`'${build.split(' && ')[0]}'`), 'what pack.js says to run');
  assert.ok(source.includes(`'${unquoted(pack).split(' ')[2]}': () =>`));
});

page.complete();
