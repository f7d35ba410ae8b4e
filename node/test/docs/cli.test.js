'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const manifest = require('../../package.json');
const { startEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { cleanEnv } = require('../support/subprocess');
const { temporary } = require('./app');
const { TARGET, run } = require('./commands');
const { commandsOf, read, unquoted } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/cli.md');

page.snippet('cli-install', (t, { text }) => {
  const [, crate] = /^cargo install --locked --path (\S+)$/.exec(text.trim());
  assert.match(read(path.join(crate, 'Cargo.toml')), /name = "dynamodb-session"/);
});

page.snippet('cli-pack', (t, { text }) => {
  const [build, pack] = text.trim().split('\n');
  assert.ok(read('node/scripts/pack.js').includes(`'${build}'`), 'what pack.js says to run');
  assert.match(pack, /^node node\/scripts\/pack\.js --program target\/npm$/);
});

// node/test/packaging/program.test.js installs and runs it.
page.snippet('cli-npm', (t, { text }) => {
  const { name, version, bin } = manifest;
  const [install, command] = text.trim().split('\n');
  assert.ok(install.endsWith(`/target/npm/${name}-cli-${version}.tgz`), install);
  assert.equal(command, `npx ${Object.keys(bin)[0]} local`);
});

page.snippet('local', async (t, { text }) => {
  const [program, command, ...args] = text.trim().split(' ');
  assert.deepEqual([program, command], ['dynamodb-session', 'local']);
  args[args.indexOf('--data') + 1] = path.join(temporary(t), 'sessions.db');
  // The last port given would be one too many.
  const [flag, port] = args.splice(args.indexOf('--port'), 2);
  assert.deepEqual([flag, port], ['--port', '8000']);
  const running = await startEngine(...args);
  t.after(running.stop);
  assert.match(running.endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
});

page.snippet('cli', async (t, snippet) => {
  // An engine of its own: the table is the default one.
  const own = await startEngine();
  t.after(own.stop);
  const dir = temporary(t);
  const id = unique('id');
  fs.writeFileSync(path.join(dir, 'id.txt'), `${id}\n`);
  fs.writeFileSync(path.join(dir, 'user.txt'), 'Ada\n');
  const bin = path.join(TARGET, 'debug');
  const env = cleanEnv({ PATH: `${bin}:${process.env.PATH}`, AWS_ENDPOINT_URL_DYNAMODB: own.endpoint });
  const users = { of: (session) => session.user };
  const store = new DynamoDBStore({ ...local(own.endpoint, 'sessions'), users });
  const another = unique('id');
  const printedBy = {};
  for (const line of commandsOf(snippet)) {
    assert.match(line, /^dynamodb-session /);
    const { stdout } = await run('sh', ['-c', line], { cwd: dir, env });
    const command = line.split(' ').slice(1, 3).join(' ');
    printedBy[command] = stdout;
    if (command === 'table create') await store.set(id, { user: 'Ada' }, 60000);
    if (command === 'session get') assert.ok(await store.get(id));
    if (command === 'session delete') {
      assert.equal(await store.get(id), undefined);
      await store.set(another, { user: 'Ada' }, 60000);
    }
    if (command === 'user list') assert.ok(await store.get(another));
    if (command === 'user revoke') assert.equal(await store.get(another), undefined);
  }
  assert.equal(JSON.parse(printedBy['table describe']).status, 'ACTIVE');
  assert.match(printedBy['session get'], /Ada/);
  assert.match(printedBy['user list'], /^Ref .+\n[0-9a-f]{24} .+Z\n$/);
  assert.equal(printedBy['user revoke'], 'Ended 1 session.\n');
  assert.equal(await store.isTableCreated(), null);
});

it('exit codes are those of --help', async () => {
  const { stdout } = await run(path.join(TARGET, 'debug', 'dynamodb-session'), ['--help']);
  const help = [...stdout.split('Exit codes:\n')[1].matchAll(/^ *(\d+) {2}(.+)$/gm)].map(([, code, text]) => [code, text]);
  assert.deepEqual(page.rows('Commands', 'exit code').map(([code, text]) => [unquoted(code), text]), help);
});

page.complete();
