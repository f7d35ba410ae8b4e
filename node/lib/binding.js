'use strict';

/* global PACKAGE_FILE -- the file name of the bundle in dist; see scripts/bundle.js */

/** Finds and loads the native part for this platform. */

const NAME = 'koa-session-dynamodb-store';

/** The names of a platform's binaries, in the order to try. */
const TARGETS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc'],
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

/**
 * Whether the application's bundler has taken this file in. A module that a bundler makes has no file name, and the
 * binary does not follow into the bundle.
 */
function isBundled() {
  const { filename } = /** @type {NodeJS.Module} */ (module);
  return typeof (typeof PACKAGE_FILE === 'undefined' ? filename : PACKAGE_FILE) !== 'string';
}

/** @returns {typeof import('../binding')} */
function load() {
  const { platform, arch } = process;
  const targets = TARGETS[`${platform}-${arch}`];
  if (!targets) {
    failToLoad(`${NAME} has no binary for ${platform}-${arch}. Supported: ${supported()}.`);
  }
  if (isBundled()) {
    failToLoad(`${NAME} contains a native addon and cannot be bundled. Mark the package as external (esbuild: --external:${NAME}) and install it beside the bundle.`);
  }
  // Built in place, one level above this file, whether that is in lib or in dist.
  const built = targets.map((target) => `../${NAME}.${target}.node`);
  // npm installs only the package that fits, so a missing one proves nothing.
  const installed = targets.map((target) => `${NAME}-${target}`);
  // A `require` that fails takes as long as loading three files: the likelier ones first.
  const isInstalled = __dirname.includes('node_modules');
  let broken;
  for (const candidate of isInstalled ? [...installed, ...built] : [...built, ...installed]) {
    try {
      return require(candidate); // eslint-disable-line global-require, import/no-dynamic-require
    } catch (error) {
      // On a musl system that also got the glibc binary, the next one may work.
      if (error.code !== 'MODULE_NOT_FOUND') broken = broken || error;
    }
  }
  if (broken) {
    failToLoad(`The binary of ${NAME} cannot be loaded: ${broken.message}`, broken);
  }
  return failToLoad(`The binary of ${NAME} is not installed: ${installed.join(' or ')}. Reinstall without --omit=optional (--no-optional), on the platform the application runs on. Supported: ${supported()}.`);
}

module.exports = { NAME, TARGETS, binding: load() };
