'use strict';

/**
 * Builds the addon in place. A debug build writes `binding.d.ts` as well.
 *
 *   node scripts/build.js [--release] [PLATFORM]
 *
 * Without a platform: that of CARGO_BUILD_TARGET, or else the one that Rust's compiler builds for by itself.
 * `make release` builds for other platforms than this machine's: see "Cross-building" in CONTRIBUTING.md.
 */

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const platforms = require('../npm/platforms.json');
const { name: NAME } = require('../package.json');
const declarations = require('./declarations.js');
const libraryFile = require('./library-file.js');
const rustflags = require('./rustflags.js');

const root = path.join(__dirname, '..');
const release = process.argv.includes('--release');
const [wanted] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

function cargo(args, env = {}) {
  const { status, stdout, error } = spawnSync('cargo', args, {
    cwd: root, env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

function hostTarget() {
  return /^host: (.*)$/m.exec(execFileSync('rustc', ['-vV'], { cwd: root, encoding: 'utf8' }))[1];
}

function platformWanted() {
  const known = platforms.map(({ name }) => name).join(', ');
  if (wanted) {
    const named = platforms.find(({ name }) => name === wanted);
    if (!named) throw new Error(`unknown platform ${wanted}; known: ${known}`);
    return named;
  }
  const target = process.env.CARGO_BUILD_TARGET || hostTarget();
  const found = platforms.find((platform) => platform.target === target);
  if (!found) throw new Error(`no addon is made for ${target}; known: ${known}`);
  return found;
}

const platform = platformWanted();
// Only a target that is named makes Cargo build in a folder of its own.
const target = wanted ? platform.target : process.env.CARGO_BUILD_TARGET;
const types = fs.mkdtempSync(path.join(os.tmpdir(), 'binding-types-'));
try {
  // A changed variable makes Cargo expand the macros again, which is what writes the declarations.
  const env = release ? { CARGO_ENCODED_RUSTFLAGS: rustflags(platform) } : {
    NAPI_TYPE_DEF_TMP_FOLDER: types,
    NAPI_FORCE_BUILD_KOA_SESSION_DYNAMODB_STORE: String(Date.now()),
  };
  cargo(['build', '-p', NAME, ...(target ? ['--target', target] : []), ...(release ? ['--release'] : [])], env);
  const { target_directory: directory } = JSON.parse(cargo(['metadata', '--format-version', '1', '--no-deps']));
  const built = path.join(directory, target ?? '', release ? 'release' : 'debug', libraryFile(platform, NAME));
  const place = path.join(root, `${NAME}.${platform.name}.node`);
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
