'use strict';

// The bytes that `npm install` of a package takes on the disk, with all its dependencies.

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./plan.js');
const lock = require('./package-lock.json');

/** The size of a package's own files, without dependencies below it. */
function filesSize(directory) {
  return fs.readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + filesSize(file);
    return sum + fs.lstatSync(file).size;
  }, 0);
}

/** The package that a dependency resolves to by Node's rules, as a key of the lock file. */
function resolve(from, name) {
  for (let directory = from; ; directory = directory.slice(0, Math.max(0, directory.lastIndexOf('node_modules') - 1))) {
    const candidate = path.posix.join(directory, 'node_modules', name);
    if (lock.packages[candidate]) return candidate;
    if (directory === '') return undefined;
  }
}

function ofPeers(...names) {
  const found = new Set();
  const visit = (key) => {
    if (!key || found.has(key)) return;
    found.add(key);
    const { dependencies, optionalDependencies } = lock.packages[key];
    Object.keys({ ...dependencies, ...optionalDependencies }).forEach((each) => visit(resolve(key, each)));
  };
  names.forEach((name) => visit(resolve('', name)));
  return [...found].reduce((sum, key) => sum + filesSize(path.join(__dirname, key)), 0);
}

const binary = () => {
  const directory = path.join(ROOT, 'node');
  const name = fs.readdirSync(directory).find((each) => each.endsWith('.node'));
  return path.join(directory, name);
};

function ofOurs() {
  const directory = path.join(ROOT, 'node');
  const { files } = require('../node/package.json'); // eslint-disable-line global-require
  const sizes = files.map((name) => path.join(directory, name)).map((file) => (
    fs.statSync(file).isDirectory() ? filesSize(file) : fs.statSync(file).size));
  return sizes.reduce((sum, size) => sum + size, fs.statSync(binary()).size);
}

module.exports = {
  addonBytes: () => fs.statSync(binary()).size,
  installedBytes: () => ({
    ours: ofOurs(),
    legacy: ofPeers('legacy'),
    'connect-dynamodb': ofPeers('connect-dynamodb'),
    'sdk-v3': ofPeers('@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb'),
  }),
};
