'use strict';

// The Flow declarations have the members of the TypeScript ones. Those of the options are generated. TypeScript itself
// compares the classes with its declarations.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const entries = require('../../scripts/entries');
const declared = require('../docs/declared');
const { read } = require('../docs/markdown');

const STATICS = ['default', 'DynamoDBStore'];

/** Flow has no types of Node's EventEmitter. So a class that extends it declares these two as well. */
const EMITTER = ['off', 'emit'];

const FRAMEWORKS = path.join(__dirname, '../frameworks');

const sorted = (names) => [...new Set(names)].sort();

describe('Flow declares what TypeScript declares', () => {
  entries.forEach((entry) => {
    it(entry.specifier, () => {
      const [, name] = /^declare module\.exports: typeof (\w+);$/m.exec(read(`node/${entry.name}.js.flow`));
      const [, file] = /require\('\.\/types\/(\w+)\.js'\)/.exec(read(`node/${entry.name}.d.ts`));
      const isEmitter = new RegExp(`^declare class ${name}\\b.* extends EventEmitter \\{$`, 'm').test(read(`node/types/${file}.d.ts`));
      const expected = [
        ...declared(file, 'class', name), ...declared('common', 'interface', 'Store'), ...STATICS, name,
        ...(isEmitter ? EMITTER : []),
      ];
      assert.deepEqual(sorted(declared.inFlow(entry.name, name)), sorted(expected));
    });
  });

  ['Credentials', 'CredentialsV2', 'CredentialsChainV2', 'Events', 'OperationStats', 'Stats', 'StoreError', 'TableDescription'].forEach((name) => {
    it(name, () => {
      assert.deepEqual(sorted(declared.inFlow('index', name)), sorted(declared('common', 'interface', name)));
    });
  });
});

it('every entry has a file that compares its class with its declarations', () => {
  const checks = fs.readdirSync(FRAMEWORKS).map((name) => path.join(FRAMEWORKS, name, 'implementation.cts'))
    .filter((file) => fs.existsSync(file)).map((file) => fs.readFileSync(file, 'utf8'));
  entries.forEach(({ specifier }) => assert.ok(checks.some((text) => text.includes(`require('${specifier}')`)), specifier));
});
