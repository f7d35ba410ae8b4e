'use strict';

/* global PACKAGE_FILE, PACKAGE_VERSION -- the file name of the bundle in dist, the version; see scripts/bundle.js */
/* eslint global-require: "off", import/no-unresolved: "off" -- each is for one platform */

/** Finds and loads the native part for this platform. */

const {
  closeSync, existsSync, openSync, readvSync,
} = require('node:fs');

const NAME = 'koa-session-dynamodb-store';

/** The names of a platform's binaries, in the order to try. */
const TARGETS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc', 'win32-x64-gnu'],
};

/** The file name of this file's bundle; undefined if the application's bundler has taken it in. */
function fileName() {
  const { filename } = /** @type {NodeJS.Module} */ (module);
  return typeof PACKAGE_FILE === 'undefined' ? filename : PACKAGE_FILE;
}

/*
 * The programs that copy an application's files, or compile it, find a binary only by a `require` with a literal. They
 * accept that one finds nothing only where `try` stands around it in the same function.
 */

/** The binary inside of this package: built in place, or in a package that was packed with it. */
function inside(target, failed) {
  try {
    switch (target) {
      case 'linux-x64-gnu': return require('../koa-session-dynamodb-store.linux-x64-gnu.node');
      case 'linux-x64-musl': return require('../koa-session-dynamodb-store.linux-x64-musl.node');
      case 'linux-arm64-gnu': return require('../koa-session-dynamodb-store.linux-arm64-gnu.node');
      case 'linux-arm64-musl': return require('../koa-session-dynamodb-store.linux-arm64-musl.node');
      case 'darwin-x64': return require('../koa-session-dynamodb-store.darwin-x64.node');
      case 'darwin-arm64': return require('../koa-session-dynamodb-store.darwin-arm64.node');
      case 'win32-x64-msvc': return require('../koa-session-dynamodb-store.win32-x64-msvc.node');
      default: return require('../koa-session-dynamodb-store.win32-x64-gnu.node');
    }
  } catch (error) {
    return failed(error);
  }
}

/** The binary in the package of the platform, which npm installs where it fits. */
function beside(target, failed) {
  try {
    switch (target) {
      case 'linux-x64-gnu': return require('koa-session-dynamodb-store-linux-x64-gnu');
      case 'linux-x64-musl': return require('koa-session-dynamodb-store-linux-x64-musl');
      case 'linux-arm64-gnu': return require('koa-session-dynamodb-store-linux-arm64-gnu');
      case 'linux-arm64-musl': return require('koa-session-dynamodb-store-linux-arm64-musl');
      case 'darwin-x64': return require('koa-session-dynamodb-store-darwin-x64');
      case 'darwin-arm64': return require('koa-session-dynamodb-store-darwin-arm64');
      case 'win32-x64-msvc': return require('koa-session-dynamodb-store-win32-x64-msvc');
      default: return require('koa-session-dynamodb-store-win32-x64-gnu');
    }
  } catch (error) {
    return failed(error);
  }
}

/** What this file may not look at, `require` may find all the same. */
function exists(file) {
  try {
    return existsSync(file);
  } catch {
    return false; // the permission models of Node.js and Deno
  }
}

/**
 * Whether a file lacks bytes that its ELF header speaks of: the system's loader ends the process for such a file. Of
 * the functions of `fs` these ones cost a cold start the least.
 */
function isTruncated(file) {
  const header = new ArrayBuffer(64);
  const [words, halves] = [new Uint32Array(header), new Uint16Array(header)];
  const descriptor = openSync(file, 0);
  try {
    readvSync(descriptor, [words], 0);
    if (words[0] !== 0x464c457f) return false;
    const sections = words[11] * 2 ** 32 + words[10];
    const end = sections + halves[29] * halves[30];
    return sections > 0 && readvSync(descriptor, [new Uint8Array(1)], end - 1) === 0;
  } finally {
    closeSync(descriptor);
  }
}

/** Fails for a binary that is not whole. */
function checkLength(file) {
  if (exists(file) && isTruncated(file)) throw Object.assign(new Error('the file is truncated'), { code: 'TRUNCATED' });
}

/** Fails for the binary of another version: `require` also looks in the folders above. */
function checkVersion({ VERSION }) {
  if (typeof PACKAGE_VERSION === 'undefined' || VERSION === PACKAGE_VERSION) return;
  const message = `it is of version ${VERSION}, and this package of version ${PACKAGE_VERSION}`;
  throw Object.assign(new Error(message), { code: 'OTHER_VERSION' });
}

/** @returns {typeof import('../binding')} */
function load() {
  const targets = TARGETS[`${process.platform}-${process.arch}`] ?? [];
  const isBundled = typeof fileName() !== 'string';
  const folder = isBundled ? undefined : `${__dirname}/..`;
  /** @type {import('./unloadable').Failure[]} */
  const failures = [];
  const places = [
    { find: beside, fileOf: (target) => `${folder}/../${NAME}-${target}/${NAME}.${target}.node` },
    { find: inside, fileOf: (target) => `${folder}/${NAME}.${target}.node` },
  ];
  // A `require` that fails takes as long as loading three files: the likelier place first.
  if (folder && targets.some((target) => exists(places[1].fileOf(target)))) places.reverse();
  for (const { find, fileOf } of places) {
    for (const target of targets) {
      // On a musl system that also got the glibc binary, the next one may work.
      const failed = (error) => { if (error.code !== 'MODULE_NOT_FOUND') failures.push({ target, error }); };
      try {
        if (folder) checkLength(fileOf(target));
        const binding = find(target, failed);
        if (binding) {
          checkVersion(binding);
          return binding;
        }
      } catch (error) {
        failed(error);
      }
    }
  }
  const unloadable = require('./unloadable.js');
  throw unloadable({
    name: NAME, known: Object.values(TARGETS).flat(), targets, failures, folder,
  });
}

module.exports = { NAME, TARGETS, binding: load() };
