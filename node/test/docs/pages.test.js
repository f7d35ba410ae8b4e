'use strict';

// No page is left out, and no link or path leads nowhere.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const {
  PAGES, ROOT, anchorsOf, blocksOf, codeIn, linksOf, read, tablesOf,
} = require('./markdown');

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8 })
  .split('\n').filter((file) => file && fs.existsSync(path.join(ROOT, file)));

const tests = fs.readdirSync(__dirname).filter((name) => name.endsWith('.test.js'))
  .map((name) => fs.readFileSync(path.join(__dirname, name), 'utf8'));

describe('every page with a snippet or a table has a test file', () => {
  PAGES.filter((file) => blocksOf(file).length + tablesOf(file).length > 0).forEach((file) => {
    it(file, () => {
      const checking = tests.filter((source) => source.includes(`checksOf('${file}')`));
      assert.equal(checking.length, 1);
      assert.match(checking[0], /^\w+\.complete\(\);$/m);
    });
  });

  it('no test file here is longer than 300 lines', () => {
    tests.forEach((source) => assert.ok(source.split('\n').length <= 300, source.slice(0, 200)));
  });

  it('the README has at most 250 lines, DESIGN at most 120', () => {
    const lines = (file) => read(file).trimEnd().split('\n').length;
    assert.ok(lines('README.md') <= 250);
    assert.ok(lines('DESIGN.md') <= 120);
  });
});

describe('links lead somewhere', () => {
  PAGES.forEach((file) => it(file, () => {
    linksOf(file).filter((target) => !/^https?:/.test(target)).forEach((link) => {
      const [target, anchor] = link.split('#');
      const found = target ? path.join(path.dirname(file), target) : file;
      assert.ok(fs.existsSync(path.join(ROOT, found)), link);
      if (anchor) assert.ok(anchorsOf(found).includes(anchor), link);
    });
  }));
});

// Paths are named from the root, or from one of these.
const BASES = ['', 'crates/', 'crates/dynamodb-session/', 'crates/dynamodb-session/src/', 'node/', 'node/test/'];
const TOP = /^(\.ci|\.github|bench|crates|docs|examples|fuzz|node)\//;
const SOURCE = /\.(rs|js|mjs|d\.ts|toml|py)$/;
// Made by the build.
const BUILT = /^(node\/)?(dist|target)(\/|$)/;
// Of an application, not of this repository.
const FOREIGN = /^(package\.json|\w+\.config\.m?js)$/;

const isPath = (code) => /^[\w.*{},/-]+$/.test(code) && (TOP.test(code) || SOURCE.test(code)) && !BUILT.test(code);

// `{a,b}` stands for both, `*` for any name.
function patternOf(name) {
  const escaped = name.replace(/[.+]/g, '\\$&').replace(/\{([^}]*)\}/g, (_, names) => `(${names.replaceAll(',', '|')})`);
  return new RegExp(`^${escaped.replaceAll('*', '[^/]*').replace(/\/$/, '')}(/|$)`);
}

describe('paths that a page names exist', () => {
  PAGES.filter((file) => file !== 'CHANGELOG.md').forEach((file) => it(file, () => {
    codeIn(read(file)).filter(isPath).filter((name) => !FOREIGN.test(name)).forEach((name) => {
      // A bare name is of a file anywhere.
      const isBare = !name.includes('/');
      const exists = isBare
        ? files.some((each) => patternOf(name).test(path.basename(each)))
        : BASES.some((base) => files.some((each) => patternOf(base + name).test(each)));
      assert.ok(exists, name);
    });
  }));
});
