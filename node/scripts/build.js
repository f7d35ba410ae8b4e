'use strict';

/**
 * Builds the addon in place. A debug build writes `binding.d.ts` as well.
 *
 *   node scripts/build.js [--release]
 */

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const platforms = require('../npm/platforms.json');
const { name: NAME } = require('../package.json');
const declarations = require('./declarations.js');

const root = path.join(__dirname, '..');
const release = process.argv.includes('--release');

const LIBRARIES = { linux: 'lib%.so', darwin: 'lib%.dylib', win32: '%.dll' };

function cargo(args, env = {}) {
  const { status, stdout, error } = spawnSync('cargo', args, {
    cwd: root, env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

function target() {
  const candidates = platforms.filter(({ os: system, cpu }) => system === process.platform && cpu === process.arch);
  if (candidates.length === 0) throw new Error(`no target for ${process.platform}-${process.arch}`);
  // Rust for musl is asked for by CARGO_BUILD_TARGET.
  const musl = /musl/.test(process.env.CARGO_BUILD_TARGET ?? '');
  return (candidates.find(({ libc }) => musl && libc === 'musl') ?? candidates[0]).name;
}

/** The compiler's flags: those of the caller, and none of this machine's paths in what is published. */
function portable() {
  const { CARGO_ENCODED_RUSTFLAGS: encoded, RUSTFLAGS: flags = '', CARGO_HOME } = process.env;
  const given = encoded === undefined ? flags.split(' ') : encoded.split('\x1f');
  const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { cwd: root, encoding: 'utf8' }).trim();
  const paths = [
    [CARGO_HOME || path.join(os.homedir(), '.cargo'), '/cargo'],
    [sysroot, '/rust'],
    [path.join(root, '..'), '/dynamodb-session'],
  ];
  const remapped = paths.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  // Unlike RUSTFLAGS, this variable can hold a path with a space in it.
  return { CARGO_ENCODED_RUSTFLAGS: [...given.filter(Boolean), ...remapped].join('\x1f') };
}

const types = fs.mkdtempSync(path.join(os.tmpdir(), 'binding-types-'));
try {
  // A changed variable makes Cargo expand the macros again, which is what writes the declarations.
  const env = release ? portable() : {
    NAPI_TYPE_DEF_TMP_FOLDER: types,
    NAPI_FORCE_BUILD_KOA_SESSION_DYNAMODB_STORE: String(Date.now()),
  };
  cargo(['build', '-p', NAME, ...(release ? ['--release'] : [])], env);
  const { target_directory: directory } = JSON.parse(cargo(['metadata', '--format-version', '1', '--no-deps']));
  const library = LIBRARIES[process.platform].replace('%', NAME.replaceAll('-', '_'));
  const built = path.join(directory, process.env.CARGO_BUILD_TARGET ?? '', release ? 'release' : 'debug', library);
  const place = path.join(root, `${NAME}.${target()}.node`);
  // In one step, so that a process that has the old one loaded keeps it.
  fs.copyFileSync(built, `${place}.new`);
  fs.renameSync(`${place}.new`, place);
  if (!release) {
    const text = fs.readFileSync(path.join(types, NAME), 'utf8');
    fs.writeFileSync(path.join(root, 'binding.d.ts'), declarations(text));
  }
  console.log(path.relative(process.cwd(), place)); // eslint-disable-line no-console
} finally {
  fs.rmSync(types, { recursive: true });
}
