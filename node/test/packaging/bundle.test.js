'use strict';

// The package in a bundle: external it works; bundled in without the addon, it says what to do.

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

test('a bundler that was not prepared for it names the addon', async (t) => {
  await assert.rejects(bundle(await installed(t)), /koa-session-dynamodb-store\.[\w-]+\.node/);
});

test('says that it must be external when it was bundled without the addon', async (t) => {
  const bundled = await bundle(await installed(t), { external: ['*.node'] });
  await assert.rejects(bundled('http://127.0.0.1:9'), ({ stderr }) => {
    assert.match(stderr, /not in this bundle\. Mark the package as external/);
    return true;
  });
});
