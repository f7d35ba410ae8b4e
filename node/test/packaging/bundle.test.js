'use strict';

// The package in a bundle: external it works; bundled in, it says what to do.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const esbuild = require('esbuild');
const {
  engine, installed, run,
} = require('./helper');

async function bundle({ project, env }, options) {
  fs.copyFileSync(path.join(__dirname, 'smoke.js'), path.join(project, 'app.js'));
  await esbuild.build({
    absWorkingDir: project,
    entryPoints: ['app.js'],
    outfile: 'elsewhere/bundle.js',
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    ...options,
  });
  return (...args) => run(path.join(env.PATH, 'node'), ['elsewhere/bundle.js', ...args], { cwd: project, env, timeout: 30000 });
}

test('works as an external package', async (t) => {
  const bundled = await bundle(await installed(t), { external: ['koa-session-dynamodb-store'] });
  const { stdout } = await bundled(await engine(t));
  assert.match(stdout, /smoke passed/);
});

test('says that it must be external when it was bundled in', async (t) => {
  const made = await installed(t);
  const said = await bundle(made).then((bundled) => bundled('http://127.0.0.1:9')).then(
    () => assert.fail('it worked'),
    (err) => `${err.message}\n${err.stderr}`,
  );
  assert.match(said, /bundle/);
  assert.match(said, /external/);
});
