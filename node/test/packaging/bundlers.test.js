'use strict';

// Applications that are bundled as the page says: the result runs in an empty folder, away from this repository. In
// another way, the bundler names the addon, or the bundle says what to do.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  BUN, FORMS, NAME, TOOLS, engine, installed, run, temporary, withApp,
} = require('./helper');
const snippet = require('./snippet');

// In place of webpack's command line, which is another package.
const WEBPACK = `
  require(${JSON.stringify(path.join(TOOLS, 'webpack'))})(require('./webpack.config.js'), (error, stats) => {
    console.error(error ?? stats.toString({ all: false, errors: true }));
    process.exitCode = error || stats.hasErrors() ? 1 : 0;
  });`;

/** Where each tool has its configuration, if not in the command. */
const CONFIGURATIONS = {
  webpack: { file: 'webpack.config.js', command: 'node webpack.js' },
  rollup: { file: 'rollup.config.mjs', command: 'rollup --config' },
  vite: { file: 'vite.config.mjs', command: 'vite build' },
};

/** What the page says of a tool, changed by a test: a command, and a file for it. */
function configured(tool, change = (text) => text) {
  const text = change(snippet(tool));
  const { file, command = text } = CONFIGURATIONS[tool] ?? {};
  return { command, files: file ? { [file]: text } : {} };
}

// Bundles the app into `out`.
async function build({ project, env }, { command, files }) {
  fs.writeFileSync(path.join(project, 'webpack.js'), WEBPACK);
  Object.entries(files).forEach(([name, text]) => fs.writeFileSync(path.join(project, name), text));
  const modules = path.join(project, 'node_modules');
  // Configuration files import them.
  ['@rollup', 'vite'].forEach((name) => fs.symlinkSync(path.join(TOOLS, name), path.join(modules, name)));
  const places = [env.PATH, path.join(TOOLS, '.bin'), path.dirname(BUN)];
  await run('/bin/sh', ['-ec', command], {
    cwd: project,
    env: {
      ...env, PATH: places.join(':'), NO_COLOR: '1', HOME: path.dirname(project),
    },
    timeout: 60000,
  });
}

// Moves what was built to an empty folder, with the package beside it or without, and runs it there.
async function runElsewhere(t, { project, env }, { withPackage }) {
  const elsewhere = temporary(t);
  fs.cpSync(path.join(project, 'out'), elsewhere, { recursive: true });
  const modules = path.join(project, 'node_modules');
  if (withPackage) {
    fs.readdirSync(modules).filter((name) => name.startsWith(NAME))
      .forEach((name) => fs.cpSync(path.join(modules, name), path.join(elsewhere, 'node_modules', name), { recursive: true }));
  }
  fs.rmSync(project, { recursive: true });
  const [app] = fs.readdirSync(elsewhere).filter((name) => /^(app|index)\.m?js$/.test(name));
  return run(path.join(env.PATH, 'node'), [app, await engine(t)], { cwd: elsewhere, env, timeout: 30000 });
}

const works = ({ stdout, stderr }) => assert.deepEqual([stdout, stderr], ['1 2\n', '']);

describe('the package is left out of the bundle, and installed beside it', () => {
  for (const tool of ['esbuild', 'esbuild-esm', 'webpack', 'rollup', 'vite', 'tsup', 'bun']) {
    test(tool, async (t) => {
      const made = withApp(await installed(t));
      await build(made, configured(tool));
      works(await runElsewhere(t, made, { withPackage: true }));
    });
  }
});

/** Configurations that say nothing of the package. */
const BY_THEMSELVES = {
  vite: (text) => text.replace(/^ +ssr: \{.*\n/m, ''),
  tsup: (text) => text.replace(/ --external \S+/, ''),
};

describe('a tool that leaves the package out by itself', () => {
  for (const [tool, change] of Object.entries(BY_THEMSELVES)) {
    test(tool, async (t) => {
      const made = withApp(await installed(t));
      const { command, files } = configured(tool, change);
      assert.ok(![command, ...Object.values(files)].join().includes(NAME));
      await build(made, { command, files });
      works(await runElsewhere(t, made, { withPackage: true }));
    });
  }
});

describe('the addon is beside the bundle, which has the rest of the package', () => {
  for (const tool of ['esbuild-copy', 'ncc']) {
    for (const form of Object.keys(FORMS)) {
      test(`${tool}: ${form}`, async (t) => {
        const made = withApp(await installed(t, form));
        await build(made, configured(tool));
        works(await runElsewhere(t, made, { withPackage: false }));
      });
    }
  }
});

/** What makes each tool take the package in, as it does without the page's configuration. */
const UNPREPARED = {
  esbuild: (text) => text.replace(/ --external:\S+/, ''),
  webpack: (text) => text.replace(/^ +externals: .*\n/m, ''),
  rollup: (text) => text.replace(/^ +external: .*\n/m, ''),
  vite: (text) => text.replace(/external: \[.*?\]/, ''),
  // It leaves the dependencies in package.json out by itself.
  tsup: (text) => text.replace(/--external \S+/, '--no-config'),
};

describe('a bundler that was not prepared for it', () => {
  for (const [tool, change] of Object.entries(UNPREPARED)) {
    test(`${tool} names the addon, in the words of the page`, async (t) => {
      const made = withApp(await installed(t));
      fs.writeFileSync(path.join(made.project, 'package.json'), '{}');
      const { command, files } = configured(tool, change);
      const said = snippet.row('Bundlers', tool)[2].replaceAll('`', '');
      await assert.rejects(build(made, { command, files }), ({ stdout, stderr }) => {
        const output = stdout + stderr;
        assert.match(output, /koa-session-dynamodb-store\.[\w-]+\.node/);
        assert.ok(output.includes(said), output);
        return true;
      });
    });
  }
});

describe('our own error', () => {
  const failed = (reason) => ({ stderr }) => {
    assert.match(stderr, reason);
    assert.match(stderr, /See docs\/installing\.md in the repository\./);
    assert.match(stderr, /ERR_DYNAMODB_SESSION_BINDING/);
    return true;
  };
  const NOT_IN_IT = /not in this bundle\. Mark the package as external/;
  const withoutAddon = {
    esbuild: (text) => text.replace(/ --external:\S+/, ' --external:*.node'),
    rollup: (text) => text.replace(/external: .*/, 'external: /\\.node$/,'),
    // The output is an ES module, which has no `require`.
    vite: (text) => text.replace(/external: \[.*?\]/, 'external: []').replace('build: {', 'build: { rollupOptions: { external: [/\\.node$/] },'),
  };

  for (const [tool, change] of Object.entries(withoutAddon)) {
    test(`a bundle of ${tool} without the addon`, async (t) => {
      const made = withApp(await installed(t));
      await build(made, configured(tool, change));
      await assert.rejects(runElsewhere(t, made, { withPackage: false }), failed(NOT_IN_IT));
    });
  }

  // webpack writes what it can in this mode.
  test('a bundle of webpack with an addon that is no code', async (t) => {
    const made = withApp(await installed(t));
    const change = (text) => UNPREPARED.webpack(text).replace("'production'", "'development'");
    await assert.rejects(build(made, configured('webpack', change)), /Module parse failed/);
    const reason = /in this bundle cannot be loaded: Module parse failed[^]*Mark the package as external and install it beside the bundle/;
    await assert.rejects(runElsewhere(t, made, { withPackage: false }), failed(reason));
  });

  test('a bundle of esbuild with the addon of another system', async (t) => {
    const made = withApp(await installed(t));
    fs.writeFileSync(made.addon, 'for another system');
    await build(made, configured('esbuild-copy'));
    const reason = /in this bundle cannot be loaded: [^]*install it beside the bundle, on the platform where that runs\./;
    await assert.rejects(runElsewhere(t, made, { withPackage: false }), failed(reason));
  });
});
