'use strict';

// Packs the package.
//
//   node scripts/pack.js [--registry] OUT [PLATFORM=ADDON ...]
//
// Without a platform: the one this machine is, with the addon built in place.
//
// Without `--registry`: one package with the addon inside, which needs no other one. That is what to install while the
// platform packages are not published: their names are free, and a package manager that looked for them in the
// registry would run what anybody published there.
//
// With `--registry`: what is published. That is the main package (JavaScript and types) and one package a platform (the
// addon). The main package names exactly the platform packages packed with it as its optional dependencies.

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

const packageName = (platform) => `${manifest.name}-${platform.name}`;
const addonName = (platform) => `${manifest.name}.${platform.name}.node`;

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

const platformManifest = (platform) => ({
  name: packageName(platform),
  description: `The ${platform.name} addon of ${manifest.name}`,
  ...common(),
  os: [platform.os],
  cpu: [platform.cpu],
  ...(platform.libc && { libc: [platform.libc] }),
  main: `./${addonName(platform)}`,
  files: [addonName(platform), ...LEGAL],
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

// One package with the addons inside. Answers its manifest, its tarball and the names of the files in it.
function pack(out, addons) {
  fs.mkdirSync(out, { recursive: true });
  const packed = Object.keys(addons).map(find);
  return packOne(packageManifest(packed.map(addonName)), out, (stage) => {
    fillPackage(stage);
    packed.forEach((platform) => fs.copyFileSync(addons[platform.name], path.join(stage, addonName(platform))));
  });
}

// A package without addons, and one for each of them. Answers { main, platforms: [] }, each as `pack` does.
function packForRegistry(out, addons) {
  fs.mkdirSync(out, { recursive: true });
  const packed = Object.keys(addons).map(find);
  const optional = Object.fromEntries(packed.map((each) => [packageName(each), manifest.version]));
  return {
    main: packOne(packageManifest([], optional), out, fillPackage),
    platforms: packed.map((platform) => packOne(platformManifest(platform), out, (stage) => {
      fs.copyFileSync(addons[platform.name], path.join(stage, addonName(platform)));
      const readme = `# ${packageName(platform)}\n\n${manifest.name}'s addon for ${platform.name}; that package installs it.\n`;
      fs.writeFileSync(path.join(stage, 'README.md'), readme);
    })),
  };
}

function builtInPlace() {
  const platform = hostPlatform();
  if (!platform) throw new Error(`no package is made for ${process.platform} ${process.arch}`);
  const addon = path.join(NODE_DIR, addonName(platform));
  if (!fs.existsSync(addon)) throw new Error(`${addon} is not built: run \`npm run build\``);
  return { [platform.name]: addon };
}

module.exports = {
  pack, packForRegistry, builtInPlace, platforms,
};

if (require.main === module) {
  const [first, ...rest] = process.argv.slice(2);
  const isForRegistry = first === '--registry';
  const [out, ...given] = isForRegistry ? rest : [first, ...rest];
  if (!out) throw new Error('usage: node scripts/pack.js [--registry] OUT [PLATFORM=ADDON ...]');
  const addons = given.length > 0 ? Object.fromEntries(given.map((each) => each.split('='))) : builtInPlace();
  const files = () => {
    if (!isForRegistry) return [pack(out, addons).file];
    const { main, platforms: packed } = packForRegistry(out, addons);
    return [main, ...packed].map(({ file }) => file);
  };
  files().forEach((file) => console.log(file));
}
