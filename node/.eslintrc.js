'use strict';

// The Airbnb base style, as the legacy package had. What differs, differs for a reason given here.

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
    'import/extensions': 'off', // without one, Node looks for the file twice, which a cold start feels
    'no-await-in-loop': 'off', // one after the other is what is meant
    'max-classes-per-file': 'off', // a file is a module
    'no-use-before-define': ['error', { functions: false, variables: false }], // in a function called later
    // The package itself: Node finds it by its own name, the plugin does not.
    'import/no-unresolved': ['error', { commonjs: true, ignore: ['^koa-session-dynamodb-store(/express)?$'] }],
  },
  overrides: [
    {
      files: ['**/*.mjs'],
      parserOptions: { sourceType: 'module' },
      rules: { 'import/extensions': ['error', 'ignorePackages'] }, // as Node has it
    },
    {
      files: ['test/**', 'scripts/**', '**/examples/**', '.eslintrc.js'],
      rules: {
        'no-console': 'off',
        'no-bitwise': 'off',
        'no-continue': 'off',
        'import/no-extraneous-dependencies': ['error', { devDependencies: true }],
      },
    },
  ],
};
