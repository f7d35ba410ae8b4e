'use strict';

// What scripts/bundle.js makes of lib. A file that is loaded needlessly delays every cold start, and a module that is
// in two bundles keeps its state twice.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { ENTRIES, LATER, ON_DEMAND } = require('../../scripts/bundle.js');
const entries = require('../../scripts/entries.js');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { cleanEnv, PACKAGE } = require('../support/subprocess');

const LIB = path.join(PACKAGE, 'lib');
const DIST = path.join(PACKAGE, 'dist');
const engine = useEngine();

const read = (file) => fs.readFileSync(file, 'utf8');
const modules = fs.readdirSync(LIB, { recursive: true }).filter((name) => name.endsWith('.js')).map((name) => name.replaceAll(path.sep, '/'));

describe('a process loads few files', () => {
  const SCRIPT = `
    const [entry, options, id] = JSON.parse(process.argv[1]);
    const loaded = () => Object.keys(require.cache).map((file) => require('node:path').basename(file));
    const Store = require(entry);
    const store = new Store(options);
    const made = loaded();
    store.get(id, undefined, { ctx: {} }).then(() => console.log(JSON.stringify([made, loaded()])));`;

  // A file more needs a reason: each costs a cold start a quarter of a millisecond.
  const FILES = Object.fromEntries(entries.map(({ name, specifier }) => [`${name}.js`, specifier]));

  it('each entry is bundled, and nothing else is', () => assert.deepEqual(Object.keys(FILES).sort(), [...ENTRIES].sort()));

  Object.entries(FILES).forEach(([file, entry]) => {
    it(`${file}: one file and the addon, up to the result of the first get`, async () => {
      const table = unique('bundle');
      await rawTable(engine.endpoint, table).create();
      const args = JSON.stringify([entry, local(engine.endpoint, table), unique('id')]);
      const how = { cwd: PACKAGE, env: cleanEnv() };
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', SCRIPT, args], how);
      const [made, got] = JSON.parse(stdout).map((names) => names.filter((name) => !name.endsWith('.node')));
      assert.deepEqual(made, [file]);
      assert.deepEqual(got, [file]);
    });
  });
});

describe('what is required later is a file of its own, or needed when no file can be loaded any more', () => {
  // At the top of a file, and in no condition: it is loaded at once.
  const AT_ONCE = /^(?:const [^=]+|\}) = require\('[^']+'\);$/;
  const wanted = (file, line) => [...line.matchAll(/\brequire\('(\.[^']+)'\)/g)]
    .map(([, name]) => path.posix.join(path.posix.dirname(file), name)).filter((name) => !name.endsWith('.node'));

  const later = modules.flatMap((file) => read(path.join(LIB, file)).split('\n')
    .filter((line) => !AT_ONCE.test(line)).flatMap((line) => wanted(file, line)));

  it('each module that is required later is in ON_DEMAND or in LATER, and no other', () => {
    const alone = LATER.filter((file) => !later.includes(file));
    assert.deepEqual([...new Set(later), ...alone].sort(), [...ON_DEMAND, ...LATER].sort());
    // Required by another one of LATER alone.
    const lines = (file) => read(path.join(LIB, file)).split('\n');
    const wantedLater = LATER.flatMap((file) => lines(file).flatMap((line) => wanted(file, line)));
    alone.forEach((file) => assert.ok(wantedLater.includes(file), file));
  });
});

describe('a cold start does not read code twice', () => {
  ENTRIES.forEach((entry) => {
    const text = read(path.join(DIST, entry));

    it(`${entry}: each of its modules that runs at once is compiled at once, and no other`, () => {
      const bundled = [...text.matchAll(/^ {2}"lib\/([^"]+)"(.*)$/gm)];
      assert.ok(bundled.length > 10, 'dist is read as esbuild writes it');
      bundled.forEach(([line, file]) => assert.equal(line.includes('": (function('), !LATER.includes(file), line));
    });

    it(`${entry}: the option table is JSON`, () => {
      const [, module] = /^ {2}"lib\/options\/table\.js"(.*?)^ {2}\}\)/ms.exec(text);
      assert.match(module, /module\d?\.exports = JSON\.parse\(/);
    });
  });
});

describe('no module keeps state in two bundles', () => {
  // esbuild names each module before its code.
  const bundled = fs.readdirSync(DIST).filter((name) => name.endsWith('.js'))
    .flatMap((name) => [...read(path.join(DIST, name)).matchAll(/^\/\/ lib\/(\S+)$/gm)].map(([, file]) => file));
  const inTwo = [...new Set(bundled.filter((file, index) => bundled.indexOf(file) !== index))];

  // They do no harm: the second time, the addon gets an equal function, a module is looked up once more, and a warning
  // may come once from each entry.
  const HARMLESS = ['core.js: hasEvents', 'core.js: tables', 'session.js: sessionData', 'warn.js: said'];

  it('a variable, or an object that can grow, at the top of a file', () => {
    assert.ok(inTwo.includes('core.js'), 'dist is read as esbuild writes it');
    const state = inTwo.flatMap((file) => [...read(path.join(LIB, file)).matchAll(/^(?:let (\w+)|const (\w+) = (?:new |\[\]|\{\}))/gm)]
      .map(([, variable, object]) => `${file}: ${variable ?? object}`));
    assert.deepEqual(state.sort(), HARMLESS);
  });
});
