'use strict';

// Reserves the names of the npm packages that do not exist yet, and lets the release workflow publish all of them. A
// maintainer who is logged in (`npm login`) runs it once, and again when there is a new platform.
//
//   node scripts/trust.js OWNER/NAME
//
// npm trusts a workflow only with a package that exists. So what does not exist gets an empty version 0.0.0 first.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { license } = require('../package.json');
const { names } = require('./pack');

const WORKFLOW = 'release.yml';
const ENVIRONMENT = 'release';

function exists(name) {
  const { status, stderr, stdout } = spawnSync('npm', ['view', name, 'name'], { encoding: 'utf8' });
  if (status !== 0 && !/\bE404\b/.test(stdout + stderr)) throw new Error(`npm view ${name}: ${stderr}`);
  return status === 0;
}

function reserve(name, repository) {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'reserve-'));
  const manifest = {
    name, version: '0.0.0', description: `Reserved for ${repository}`, license, repository: `github:${repository}`,
  };
  fs.writeFileSync(path.join(place, 'package.json'), JSON.stringify(manifest));
  execFileSync('npm', ['publish', '--access', 'public'], { cwd: place, stdio: 'inherit' });
  fs.rmSync(place, { recursive: true });
}

const [repository] = process.argv.slice(2);
if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new Error('usage: node scripts/trust.js OWNER/NAME');
for (const name of names()) {
  if (!exists(name)) reserve(name, repository);
  const trusted = ['--repo', repository, '--file', WORKFLOW, '--env', ENVIRONMENT, '--allow-publish', '--yes'];
  // It fails for a package that has this trust already: the next one may lack it.
  const { status } = spawnSync('npm', ['trust', 'github', name, ...trusted], { stdio: 'inherit' });
  if (status !== 0) console.error(`${name}: see above; \`npm trust list ${name}\` shows what it has`);
}
