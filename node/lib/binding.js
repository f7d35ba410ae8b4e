'use strict';

/* global PACKAGE_FILE -- the file name of the bundle in dist; see scripts/bundle.js */
/* eslint global-require: "off", import/no-unresolved: "off" -- each is for one platform */

/** Finds and loads the native part for this platform. */

const { existsSync, readdirSync } = require('node:fs');

const NAME = 'koa-session-dynamodb-store';

/** The names of a platform's binaries, in the order to try. */
const TARGETS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc', 'win32-x64-gnu'],
};

const supported = () => Object.values(TARGETS).flat().join(', ');

/**
 * @param {string} message
 * @param {Error} [cause]
 * @returns {never}
 */
function failToLoad(message, cause = undefined) {
  const error = new Error(message, cause && { cause });
  throw Object.assign(error, { code: 'ERR_DYNAMODB_SESSION_BINDING' });
}

/** Whether the application's bundler has taken this file in: a module that a bundler makes has no file name. */
function isBundled() {
  const { filename } = /** @type {NodeJS.Module} */ (module);
  return typeof (typeof PACKAGE_FILE === 'undefined' ? filename : PACKAGE_FILE) !== 'string';
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

/** @returns {typeof import('../binding')} */
function load() {
  const { platform, arch } = process;
  const targets = TARGETS[`${platform}-${arch}`];
  if (!targets) {
    failToLoad(`${NAME} has no binary for ${platform}-${arch}. Supported: ${supported()}.`);
  }
  /** @type {Error | undefined} */
  let broken;
  // On a musl system that also got the glibc binary, the next one may work.
  const failed = (error) => { if (error.code !== 'MODULE_NOT_FOUND') broken ??= error; };
  // A `require` that fails takes as long as loading three files: the likelier place first.
  const isInside = targets.some((target) => existsSync(`${__dirname}/../${NAME}.${target}.node`));
  for (const find of isInside ? [inside, beside] : [beside, inside]) {
    for (const target of targets) {
      const binding = find(target, failed);
      if (binding) return binding;
    }
  }
  if (broken) failToLoad(`The binary of ${NAME} cannot be loaded: ${/** @type {Error} */ (broken).message}`, broken);
  if (isBundled()) {
    failToLoad(`${NAME} contains a native addon, which is not in this bundle. Mark the package as external (esbuild: --external:${NAME}) and install it beside the bundle.`);
  }
  const held = readdirSync(`${__dirname}/..`).filter((name) => name.endsWith('.node')).join(', ');
  if (held) {
    failToLoad(`${NAME} has no binary for ${platform}-${arch}: it was packed with ${held} only. Pack it on this platform, and install it again.`);
  }
  const packages = targets.map((target) => `${NAME}-${target}`).join(' or ');
  return failToLoad(`The binary of ${NAME} is not installed: ${packages}. Delete node_modules and the lock file, and install again on this platform, without --omit=optional (--no-optional). npm 10 can leave the packages of other platforms out of a lock file.`);
}

module.exports = { NAME, TARGETS, binding: load() };
