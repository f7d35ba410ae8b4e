'use strict';

/** Which Rust builds for a platform, and how. */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const rustflags = require('../node/scripts/rustflags.js');

const ROOT = path.join(__dirname, '..');
const TOOLS = path.join(ROOT, 'target/release-tools');

const output = (command, ...args) => execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** Where release/tools has unpacked a folder of release/packages. */
function unpacked(folder) {
  // By its name: Windows starts no scripts.
  execFileSync('bash', [path.join(__dirname, 'tools'), folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  return path.join(TOOLS, folder);
}

function rustupHas(target) {
  try {
    return output('rustup', 'target', 'list', '--installed').split('\n').includes(target);
  } catch {
    return false;
  }
}

/** Rust with rustup: the standard library of the target is installed. */
const rustup = () => ({
  name: `rustup, ${output('rustc', '--version').split(' ').slice(0, 2).join(' ')}`,
  sysroot: output('rustc', '--print', 'sysroot'),
  flags: [],
  env: {},
});

/** Debian's Rust: the standard library is built from its sources, which is what RUSTC_BOOTSTRAP allows. */
function debian() {
  const sysroot = path.join(unpacked('debian'), 'usr');
  const env = {
    RUSTC: path.join(sysroot, 'bin/rustc'),
    RUSTC_BOOTSTRAP: '1',
    LD_LIBRARY_PATH: path.join(sysroot, 'lib/x86_64-linux-gnu'),
    PATH: [path.join(sysroot, 'bin'), process.env.PATH].join(path.delimiter),
  };
  const version = execFileSync(env.RUSTC, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' });
  return {
    name: `Debian, ${version.split(' ').slice(0, 2).join(' ')}`, sysroot, flags: ['-Zbuild-std=std'], env,
  };
}

/**
 * The Rust for a target: rustup's where it has the target, otherwise Debian's. RELEASE_TOOLCHAIN=debian or
 * RELEASE_TOOLCHAIN=rustup decides for all platforms.
 */
function rustFor({ name, target }) {
  const wanted = process.env.RELEASE_TOOLCHAIN;
  if (wanted !== 'debian' && rustupHas(target)) return rustup();
  const isDebian = process.arch === 'x64' && fs.existsSync('/etc/debian_version');
  if (wanted !== 'rustup' && isDebian) return debian();
  throw new Error(`no Rust can build for ${name}. Install the target: rustup target add ${target}`);
}

/** Programs that Rust looks up by these names: LLVM's strip symbols and make import libraries for Windows. */
const LLVM = { 'rust-objcopy': 'llvm-objcopy-22', 'x86_64-w64-mingw32-dlltool': 'llvm-dlltool-22' };

function llvm() {
  const tools = path.join(unpacked('debian'), 'usr');
  const folder = path.join(TOOLS, 'bin');
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, program] of Object.entries(LLVM)) {
    fs.rmSync(path.join(folder, name), { force: true });
    fs.symlinkSync(path.join(tools, 'bin', program), path.join(folder, name));
  }
  return { folder, libraries: path.join(tools, 'lib/x86_64-linux-gnu') };
}

/**
 * Libraries for Windows that are asked for and not needed. napi-build wants a libnode.dll with its import library, but
 * the addon takes Node's functions from its process (the feature `dyn-symbols`). zig has the stack protector elsewhere.
 */
function emptyLibraries() {
  const folder = path.join(TOOLS, 'libnode');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'libnode.dll'), '');
  ['libnode.a', 'libssp.a', 'libssp_nonshared.a'].forEach((name) => fs.writeFileSync(path.join(folder, name), '!<arch>\n'));
  return folder;
}

/** Whether this machine can build for a platform. What Microsoft's linker needs is on Windows alone. */
const isBuiltHere = (platform) => platform.build === 'zig' || process.platform === platform.os;

/**
 * How Cargo builds for a platform: its command without the packages, and its environment. On the platform's own system
 * Cargo links with what is installed there; elsewhere with zig.
 */
function cargoFor(platform, targetDirectory) {
  const rust = rustFor(platform);
  const isOwnSystem = process.platform === platform.os && platform.os !== 'linux';
  const python = unpacked('python');
  const program = isOwnSystem ? ['cargo', 'build'] : [path.join(python, 'bin/cargo-zigbuild'), 'zigbuild'];
  // cargo-zigbuild understands the oldest glibc as a part of the target.
  const target = isOwnSystem || !platform.glibc ? platform.target : `${platform.target}.${platform.glibc}`;
  const env = {
    ...process.env,
    ...rust.env,
    CARGO_ENCODED_RUSTFLAGS: rustflags(platform, { sysroot: rust.sysroot, targetDirectory }),
    // The time that a file for Windows holds: 1980, so that the same bytes come out every time.
    SOURCE_DATE_EPOCH: '315532800',
    CARGO_ZIGBUILD_ZIG_PATH: path.join(python, 'ziglang/zig'),
  };
  if (platform.macos) env.MACOSX_DEPLOYMENT_TARGET = platform.macos;
  if (!isOwnSystem && platform.os !== 'linux') {
    const { folder, libraries } = llvm();
    env.PATH = [folder, env.PATH].join(path.delimiter);
    env.LD_LIBRARY_PATH = libraries;
    const empty = emptyLibraries();
    env.LIBNODE_PATH = empty;
    // All that is linked for Windows asks for the stack protector, and packages are linked in folders of their own.
    if (platform.os === 'win32') env.CARGO_ENCODED_RUSTFLAGS += `\x1f-Lnative=${empty}`;
    // From the root, where Cargo links. zig has the stubs of Apple's C library, and none of its frameworks.
    if (platform.os === 'darwin') env.CARGO_ENCODED_RUSTFLAGS += '\x1f-Lframework=release/frameworks';
  }
  return {
    rust: rust.name,
    command: [...program, '--release', '--locked', ...rust.flags, '--target', target, '--target-dir', targetDirectory],
    env,
  };
}

module.exports = {
  ROOT, cargoFor, isBuiltHere, unpacked,
};
