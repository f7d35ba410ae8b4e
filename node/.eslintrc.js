'use strict';

// The Airbnb base style, which version 1 used as well. Each exception has its reason beside it.

module.exports = {
  root: true,
  extends: 'airbnb-base',
  env: { node: true, es2022: true },
  parserOptions: { ecmaVersion: 'latest', sourceType: 'script' },
  ignorePatterns: ['node_modules/', 'dist/', 'test/types/flow/'], // ESLint does not read Flow's syntax
  rules: {
    strict: ['error', 'safe'], // the style's own rule is for code that Babel makes strict
    'max-len': ['error', 120, 2, {
      ignoreUrls: true, ignoreRegExpLiterals: true, ignoreStrings: true, ignoreTemplateLiterals: true,
    }],
    'no-restricted-syntax': ['error', 'ForInStatement', 'LabeledStatement', 'WithStatement'], // for-of needs no polyfill
    'import/extensions': 'off', // a name with its extension is found at once, which shortens a cold start
    'no-await-in-loop': 'off', // such loops are meant to be sequential
    'max-classes-per-file': 'off', // a file is a module
    'no-use-before-define': ['error', { functions: false, variables: false }], // a function may use what is defined before it is called
    // Node resolves the package by its own name; the plugin cannot.
    'import/no-unresolved': ['error', { commonjs: true, ignore: ['^koa-session-dynamodb-store(/|$)'] }],
  },
  overrides: [
    {
      files: ['**/*.mjs'],
      parserOptions: { sourceType: 'module' },
      rules: { 'import/extensions': ['error', 'ignorePackages'] }, // Node requires them in ES modules
    },
    {
      files: ['bin/**', 'test/**', 'scripts/**', '**/examples/**', '.eslintrc.js'],
      rules: {
        'no-console': 'off',
        'no-bitwise': 'off',
        'no-continue': 'off',
        'import/no-extraneous-dependencies': ['error', { devDependencies: true }],
      },
    },
  ],
};
