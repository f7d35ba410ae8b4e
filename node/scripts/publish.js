'use strict';

// Publishes packed packages that the registry does not have in their version: those that others depend on come first.
//
//   node scripts/publish.js DIRECTORY
//
// It can be repeated after a failure. In GitHub Actions each package gets its provenance.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { name: MAIN } = require('../package.json');

function packagesIn(directory) {
  const names = fs.readdirSync(directory).filter((name) => name.endsWith('.tgz'));
  return names.map((name) => {
    const file = path.resolve(directory, name);
    const manifest = JSON.parse(execFileSync('tar', ['-xOzf', file, 'package/package.json'], { encoding: 'utf8' }));
    const { name: id, version } = manifest;
    const order = manifest.optionalDependencies ? 1 + Number(id === MAIN) : 0;
    return {
      file, id, version, order,
    };
  }).sort((a, b) => a.order - b.order || a.id.localeCompare(b.id));
}

function isPublished({ id, version }) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${id}@${version}`, 'version', '--json'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim() !== '';
  if (/\bE404\b/.test(stdout + stderr)) return false;
  throw new Error(`npm view ${id}: ${stderr}`);
}

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: node scripts/publish.js DIRECTORY');
const packages = packagesIn(directory);
if (packages.at(-1)?.id !== MAIN) throw new Error(`${directory} has no package ${MAIN}: pack it with \`node scripts/pack.js --registry\``);
const provenance = process.env.GITHUB_ACTIONS ? ['--provenance'] : [];

for (const each of packages) {
  if (isPublished(each)) {
    console.log(`${each.id}@${each.version}: published already`);
  } else {
    execFileSync('npm', ['publish', each.file, '--access', 'public', ...provenance], { stdio: 'inherit' });
  }
}
