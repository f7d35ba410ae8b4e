'use strict';

// Packs the packages.
//
//   node scripts/pack.js [--registry | --program] OUT [PLATFORM=FILE ...]
//
// A FILE is the addon of a platform or its program `dynamodb-session`. Without one: those of this machine, as
// `npm run build` and `cargo build --release` have made them.
//
// Without an option: one package with the addon inside, which needs no other one. That is what to install while the
// platform packages are not published: their names are free, and a package manager that looked for them in the
// registry would run what anybody published there.
//
// With `--program`: the same for the program, a package of its own.
//
// With `--registry`: what is published. That is the main package (JavaScript and types) and one package a platform (the
// addon), and the package of the program and again one a platform. The main package names exactly the platform packages
// that are packed with it as its optional dependencies. So does the package of the program. Neither needs the other.

const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const platforms = require('../npm/platforms.json');
const manifest = require('../package.json');
const entries = require('./entries');
const readmeOf = require('./readme');

const NODE_DIR = path.join(__dirname, '..');
const ROOT = path.join(NODE_DIR, '..');
const LEGAL = ['LICENSE-MIT', 'LICENSE-APACHE'];
/** What the main package has of this folder. */
const SHIPPED = [...manifest.files, ...entries.flatMap(({ types }) => types)];

const addonName = (platform) => `${manifest.name}.${platform.name}.node`;
const programName = (platform) => `dynamodb-session${platform.os === 'win32' ? '.exe' : ''}`;

/** The two kinds of package with a binary: `name` and what a platform's package holds. */
const ADDON = { name: manifest.name, file: addonName, what: 'addon' };
const PROGRAM = {
  name: `${manifest.name}-cli`,
  file: programName,
  what: 'program dynamodb-session',
  // It cannot be run out of an archive, which is where Yarn keeps packages otherwise.
  fields: { preferUnplugged: true },
};
const BIN = 'bin/dynamodb-session.js';

const packageName = (kind, platform) => `${kind.name}-${platform.name}`;

const find = (name) => {
  const platform = platforms.find((known) => known.name === name);
  if (!platform) throw new Error(`unknown platform ${name}; known: ${platforms.map((known) => known.name).join(', ')}`);
  return platform;
};

const hostPlatform = () => {
  const { glibcVersionRuntime } = process.report.getReport().header;
  const libc = glibcVersionRuntime ? 'glibc' : 'musl';
  return platforms.find((known) => known.os === process.platform && known.cpu === process.arch
    && (known.libc === undefined || known.libc === libc));
};

// What both kinds of package say of themselves.
const common = () => {
  const {
    version, license, engines, repository, homepage, bugs, author,
  } = manifest;
  return {
    version, license, engines, repository, homepage, bugs, author,
  };
};

// Without what is only for development.
const packageManifest = (files, optionalDependencies) => ({
  ...manifest,
  scripts: undefined,
  devDependencies: undefined,
  private: undefined,
  overrides: undefined, // of development dependencies
  files: [...SHIPPED, ...files, 'CHANGELOG.md', ...LEGAL],
  optionalDependencies,
});

/** Of the program: what starts it, and the program itself where it is inside. */
const programManifest = (files, optionalDependencies) => ({
  name: PROGRAM.name,
  description: 'The program dynamodb-session: tables, single sessions, and a DynamoDB on your own machine',
  ...common(),
  type: 'commonjs',
  bin: { 'dynamodb-session': BIN },
  files: [BIN, ...files, ...LEGAL],
  ...(files.length > 0 && PROGRAM.fields),
  optionalDependencies,
});

const platformManifest = (kind, platform) => ({
  name: packageName(kind, platform),
  description: `The ${kind.what} of ${manifest.name} for ${platform.name}`,
  ...common(),
  os: [platform.os],
  cpu: [platform.cpu],
  ...(platform.libc && { libc: [platform.libc] }),
  ...(kind === ADDON && { main: `./${kind.file(platform)}` }),
  files: [kind.file(platform), ...LEGAL],
  ...kind.fields,
});

const copy = (from, names, to) => names
  .filter((name) => fs.existsSync(path.join(from, name)))
  .forEach((name) => fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true }));

// Lays a package out in a directory of its own and has npm pack it.
function packOne(content, out, fill) {
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'pack-'));
  try {
    fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
    copy(ROOT, LEGAL, stage);
    fill(stage);
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', path.resolve(out)];
    const printed = execFileSync('npm', args, { cwd: stage, stdio: ['ignore', 'pipe', 'ignore'] });
    const [{ filename, files }] = JSON.parse(printed);
    return {
      manifest: JSON.parse(JSON.stringify(content)),
      file: path.resolve(out, filename),
      files: files.map((entry) => entry.path).sort(),
    };
  } finally {
    fs.rmSync(stage, { recursive: true });
  }
}

// What the package has beside its manifest, licences and binaries.
function fillPackage(stage) {
  const dist = path.join(NODE_DIR, 'dist');
  if (!fs.existsSync(dist)) throw new Error('the JavaScript is not bundled: run `npm run build:js`');
  copy(NODE_DIR, SHIPPED, stage);
  copy(ROOT, ['CHANGELOG.md'], stage);
  fs.writeFileSync(path.join(stage, 'README.md'), readmeOf(fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8')));
}

const PROGRAM_README = `# ${PROGRAM.name}

The program \`dynamodb-session\` of ${manifest.name}: creates, describes
and deletes tables of sessions on Amazon DynamoDB, shows and deletes single sessions, and runs a DynamoDB on your own
machine.

    npx dynamodb-session local
`;

function fillProgram(stage) {
  copy(NODE_DIR, [BIN], stage);
  fs.writeFileSync(path.join(stage, 'README.md'), PROGRAM_README);
}

/** Puts a binary into a package. A program that was downloaded may have lost its permission to be run. */
function put(kind, platform, binary, stage) {
  const file = path.join(stage, kind.file(platform));
  fs.copyFileSync(binary, file);
  if (kind === PROGRAM) fs.chmodSync(file, 0o755);
}

/** One package with the binaries inside. Answers its manifest, its tarball and the names of the files in it. */
function packWhole(kind, manifestOf, fill, out, binaries) {
  fs.mkdirSync(out, { recursive: true });
  const packed = Object.keys(binaries).map(find);
  return packOne(manifestOf(packed.map(kind.file)), out, (stage) => {
    fill(stage);
    packed.forEach((platform) => put(kind, platform, binaries[platform.name], stage));
  });
}

const pack = (out, addons) => packWhole(ADDON, packageManifest, fillPackage, out, addons);
const packProgram = (out, programs) => packWhole(PROGRAM, programManifest, fillProgram, out, programs);

/** A package without binaries, and one for each of them. */
function packApart(kind, manifestOf, fill, out, binaries) {
  fs.mkdirSync(out, { recursive: true });
  const packed = Object.keys(binaries).map(find);
  const optional = Object.fromEntries(packed.map((each) => [packageName(kind, each), manifest.version]));
  return {
    main: packOne(manifestOf([], optional), out, fill),
    platforms: packed.map((platform) => packOne(platformManifest(kind, platform), out, (stage) => {
      put(kind, platform, binaries[platform.name], stage);
      const readme = `# ${packageName(kind, platform)}\n\nThe ${kind.what} for ${platform.name}; ${kind.name} installs it.\n`;
      fs.writeFileSync(path.join(stage, 'README.md'), readme);
    })),
  };
}

/** Answers { main, platforms: [] }, each as `pack` does. */
const packForRegistry = (out, addons) => packApart(ADDON, packageManifest, fillPackage, out, addons);
const packProgramForRegistry = (out, programs) => packApart(PROGRAM, programManifest, fillProgram, out, programs);

function built(kind, directory, command) {
  const platform = hostPlatform();
  if (!platform) throw new Error(`no package is made for ${process.platform} ${process.arch}`);
  const file = path.join(directory, kind.file(platform));
  if (!fs.existsSync(file)) throw new Error(`${file} is not built: run \`${command}\``);
  return { [platform.name]: file };
}

/** Every package that a release can have, for those who reserve the names. */
const names = () => [ADDON, PROGRAM].flatMap((kind) => [
  kind.name,
  ...platforms.map((platform) => packageName(kind, platform)),
]);

const builtInPlace = () => built(ADDON, NODE_DIR, 'npm run build');
const builtProgram = () => built(PROGRAM, path.join(ROOT, 'target/release'), 'cargo build --release --package dynamodb-session-cli');

module.exports = {
  pack, packProgram, packForRegistry, packProgramForRegistry, builtInPlace, names, platforms,
};

if (require.main === module) {
  const args = process.argv.slice(2);
  const option = args[0]?.startsWith('--') ? args.shift() : '';
  const [out, ...given] = args;
  if (!out || !['', '--registry', '--program'].includes(option)) {
    throw new Error('usage: node scripts/pack.js [--registry | --program] OUT [PLATFORM=FILE ...]');
  }
  const files = given.map((each) => each.split('='));
  const isAddon = ([, file]) => file.endsWith('.node');
  const addons = () => (given.length > 0 ? Object.fromEntries(files.filter(isAddon)) : builtInPlace());
  const programs = () => (
    given.length > 0 ? Object.fromEntries(files.filter((each) => !isAddon(each))) : builtProgram());
  const packages = {
    '': () => [pack(out, addons())],
    '--program': () => [packProgram(out, programs())],
    '--registry': () => [packForRegistry(out, addons()), packProgramForRegistry(out, programs())]
      .flatMap(({ main, platforms: packed }) => [main, ...packed]),
  };
  packages[option]().forEach(({ file }) => console.log(file));
}
