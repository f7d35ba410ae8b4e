'use strict';

/**
 * Bundles lib into dist, which is what the package ships.
 *
 *   node scripts/bundle.js
 *
 * Each file that a process loads costs its cold start a quarter of a millisecond. So each entry is one file, and what
 * most applications do without is in files of its own, which are loaded when they are needed.
 */

const fs = require('node:fs');
const path = require('node:path');
const esbuild = require('esbuild');
const { version } = require('../package.json');

const ROOT = path.join(__dirname, '..');
const LIB = path.join(ROOT, 'lib');
const DIST = path.join(ROOT, 'dist');

/** What can be imported: each has an ES module beside it. */
const ENTRIES = fs.readdirSync(LIB).filter((name) => name.endsWith('.mjs')).map((name) => name.replace('.mjs', '.js'));

/**
 * Loaded on demand. What holds state that all entries share has to be one of these: everything else is bundled into
 * each file that requires it. So each entry gives a warning once.
 */
const ON_DEMAND = [
  'attribute-data.js',
  'computed.js',
  'debug.js',
  'host.js',
  'keys.js',
  'options/dynamo-rare.js',
  'options/encryption.js',
  'options/unknown.js',
  'session-data.js',
  'special-keys.js',
  'table.js',
  'user-verbs.js',
  'users.js',
];

/**
 * Bundled, but run only when it is needed: what a call needs when it fails. It may fail when no file can be loaded any
 * more: after a test of Jest has ended, without free file descriptors, after a deployment has replaced the files.
 */
const LATER = [
  'errors.js',
  'events.js',
  'options/setting.js',
  'unloadable.js',
  'warn.js',
];

/** Leaves a `require` of a file on demand in the bundle. dist has no folders. */
const onDemand = {
  name: 'on-demand',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ path: wanted, resolveDir, kind }) => {
      if (kind === 'entry-point') return undefined;
      const file = path.relative(LIB, path.resolve(resolveDir, wanted)).split(path.sep).join('/');
      return ON_DEMAND.includes(file) ? { path: `./${path.basename(file)}`, external: true } : undefined;
    });
  },
};

/** Bundles the option table as JSON, which V8 reads in half the time of the same objects as code. */
const optionTable = {
  name: 'option-table',
  setup(build) {
    build.onLoad({ filter: /[\\/]lib[\\/]options[\\/]table\.js$/ }, ({ path: file }) => {
      const json = JSON.stringify(require(file)); // eslint-disable-line global-require, import/no-dynamic-require
      return { contents: `module.exports = JSON.parse(${JSON.stringify(json)});` };
    });
  },
};

/**
 * Puts parentheses around the function that esbuild makes of each module that runs at once. V8 then compiles it at
 * once. Otherwise it reads the text of a module three times before it runs, which takes a cold start almost half a
 * millisecond.
 */
function compiledAtOnce(text) {
  const modules = /^ {2}"lib\/([^"]+)"(\(.*?\)) \{$(.*?)^ {2}\}(?=\n\}\);$)/gms;
  if (text.match(modules)?.length !== text.match(/^ {2}"lib\//gm)?.length) {
    throw new Error('esbuild writes modules in another form than compiledAtOnce() expects: adapt its expressions, then run `npm run build:js` again');
  }
  return text.replace(modules, (whole, file, parameters, body) => (
    LATER.includes(file) ? whole : `  "lib/${file}": (function${parameters} {${body}  })`));
}

function copy(from, ending) {
  for (const name of fs.readdirSync(from)) {
    if (name.endsWith(ending)) fs.copyFileSync(path.join(from, name), path.join(DIST, name));
  }
}

async function bundle() {
  fs.rmSync(DIST, { recursive: true, force: true });
  const { outputFiles } = await esbuild.build({
    entryPoints: [...ENTRIES, ...ON_DEMAND].map((file) => ({ in: path.join(LIB, file), out: path.parse(file).name })),
    outdir: DIST,
    // The names of modules are relative to it, wherever this program is started.
    absWorkingDir: ROOT,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    external: ['express-session', '*.node', 'koa-session-dynamodb-store-*'],
    // A bundled module has no file name of its own: lib/binding.js asks for that of the bundle.
    define: { PACKAGE_VERSION: JSON.stringify(version) },
    banner: { js: '\'use strict\';\n\nconst PACKAGE_FILE = module.filename;' },
    plugins: [onDemand, optionTable],
    logLevel: 'warning',
    write: false,
  });
  fs.mkdirSync(DIST, { recursive: true });
  for (const { path: file, text } of outputFiles) fs.writeFileSync(file, compiledAtOnce(text));
  copy(LIB, '.mjs');
  // Flow looks for types beside the file it types.
  copy(ROOT, '.js.flow');
}

module.exports = { ENTRIES, LATER, ON_DEMAND };

if (require.main === module) bundle();
