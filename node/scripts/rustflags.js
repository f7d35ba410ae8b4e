'use strict';

const { execFileSync } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '../..');

/**
 * CARGO_ENCODED_RUSTFLAGS for what is published: the flags of the caller, those of the platform, and none of this
 * machine's paths. Unlike RUSTFLAGS, this variable can hold a path with a space in it.
 *
 * @param {{ libc?: string }} platform
 * @param {{ sysroot?: string, targetDirectory?: string }} [places] where the compiler is, and where it builds
 */
function rustflags(platform, { sysroot = hostSysroot(), targetDirectory } = {}) {
  const { CARGO_ENCODED_RUSTFLAGS: encoded, RUSTFLAGS: flags = '', CARGO_HOME } = process.env;
  const given = encoded === undefined ? flags.split(' ') : encoded.split('\x1f');
  // If several match, the last one counts: the others may be inside of the repository.
  const paths = [
    [root, '/dynamodb-session'],
    [targetDirectory, '/target'],
    [CARGO_HOME || path.join(os.homedir(), '.cargo'), '/cargo'],
    [sysroot, '/rust'],
  ];
  return [
    ...given.filter(Boolean),
    // An addon is a shared library: it uses the musl of its process.
    ...(platform.libc === 'musl' ? ['-Ctarget-feature=-crt-static'] : []),
    ...paths.filter(([from]) => from).map(([from, to]) => `--remap-path-prefix=${from}=${to}`),
  ].join('\x1f');
}

function hostSysroot() {
  return execFileSync('rustc', ['--print', 'sysroot'], { cwd: root, encoding: 'utf8' }).trim();
}

module.exports = rustflags;
