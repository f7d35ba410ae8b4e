'use strict';

const path = require('node:path');

const NAME = 'koa-session-dynamodb-store';

/** What a platform's binary is called, in the order to try. */
const TARGETS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc'],
};

const supported = () => Object.values(TARGETS).flat().join(', ');

function fail(message, cause = undefined) {
  const error = new Error(message, cause && { cause });
  error.code = 'ERR_DYNAMODB_SESSION_BINDING';
  throw error;
}

/** A bundler moves this file, and the binary it looks for beside it does not follow. */
function isBundled() {
  return typeof __filename === 'undefined' || path.basename(__filename) !== 'binding.js';
}

function load() {
  const { platform, arch } = process;
  const targets = TARGETS[`${platform}-${arch}`];
  if (!targets) {
    fail(`${NAME} has no binary for ${platform}-${arch}. Supported: ${supported()}.`);
  }
  if (isBundled()) {
    fail(`${NAME} contains a native addon and cannot be bundled. Mark the package as external (esbuild: --external:${NAME}) and install it beside the bundle.`);
  }
  let broken;
  // Built in place first. Of the packages npm installs the one that fits, so what is missing says nothing.
  const candidates = [
    ...targets.map((target) => path.join(__dirname, '..', `${NAME}.${target}.node`)),
    ...targets.map((target) => `${NAME}-${target}`),
  ];
  for (const candidate of candidates) {
    try {
      return require(candidate); // eslint-disable-line global-require, import/no-dynamic-require
    } catch (error) {
      // A musl system that was given the glibc binary as well: the next one may do.
      if (error.code !== 'MODULE_NOT_FOUND') broken = broken || error;
    }
  }
  if (broken) {
    fail(`The binary of ${NAME} cannot be loaded: ${broken.message}`, broken);
  }
  return fail(`The binary of ${NAME} is not installed: ${targets.map((target) => `${NAME}-${target}`).join(' or ')}. Reinstall without --omit=optional (--no-optional), on the platform the application runs on. Supported: ${supported()}.`);
}

module.exports = { load, NAME, TARGETS };
