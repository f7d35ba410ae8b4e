'use strict';

// The installed package on other runtimes than plain Node.js, started as the page says.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  BUN, FORMS, NODES, TOOLS, engine, installed, run, withApp,
} = require('./helper');
const snippet = require('./snippet');

const PROGRAMS = {
  bun: BUN,
  deno: path.join(TOOLS, '@deno/linux-x64-glibc/deno'),
};

// Runs a command of the page with a program of the tools. Deno keeps files in a folder of its own.
async function start({ project, env }, program, args) {
  const settings = { DENO_DIR: path.join(path.dirname(project), 'deno'), NO_COLOR: '1' };
  return run(program, args, { cwd: project, env: { ...env, ...settings }, timeout: 30000 });
}

const argumentsOf = (marker) => snippet(marker).trim().split(' ').slice(1);

for (const form of Object.keys(FORMS)) {
  describe(form, () => {
    // Node.js 20 has another name for it.
    for (const version of ['22', '24']) {
      test(`the permission model of Node.js ${version}`, async (t) => {
        const made = withApp(await installed(t, form));
        const args = argumentsOf('permission');
        const { stdout, stderr } = await start(made, NODES[version], [...args, await engine(t)]);
        assert.equal(stdout, '1 2\n');
        assert.match(stderr, /SecurityWarning: The flag --allow-addons/);
        const without = start(made, NODES[version], args.filter((arg) => arg !== '--allow-addons'));
        await assert.rejects(without, ({ stderr: said }) => {
          assert.match(said, /cannot be loaded: Cannot load native addon because loading addons is disabled\. Start Node\.js with --allow-addons/);
          assert.match(said, /See docs\/installing\.md/);
          return true;
        });
      });
    }

    test('Deno', async (t) => {
      const made = withApp(await installed(t, form));
      const args = argumentsOf('deno');
      const { stdout, stderr } = await start(made, PROGRAMS.deno, [...args, await engine(t)]);
      assert.deepEqual([stdout, stderr], ['1 2\n', '']);
      const without = start(made, PROGRAMS.deno, args.filter((arg) => !arg.startsWith('--allow-ffi')));
      await assert.rejects(without, ({ stderr: said }) => {
        assert.match(said, /cannot be loaded: Requires ffi access to .*, run again with the --allow-ffi flag\. See docs\/installing\.md/);
        return true;
      });
    });

    for (const file of ['app.js', 'app.mjs']) {
      test(`Bun, ${file}`, async (t) => {
        const made = withApp(await installed(t, form));
        const { stdout, stderr } = await start(made, PROGRAMS.bun, [file, await engine(t)]);
        assert.deepEqual([stdout, stderr], ['1 2\n', '']);
      });
    }
  });
}

// What the addon does is under no permission model.
for (const [name, program, marker] of [['Node.js 24', NODES[24], 'permission'], ['Deno', PROGRAMS.deno, 'deno']]) {
  test(`${name}: keys of a profile that JavaScript may not read`, async (t) => {
    const { project, env } = withApp(await installed(t));
    const home = path.join(path.dirname(project), 'home');
    fs.mkdirSync(path.join(home, '.aws'), { recursive: true });
    fs.writeFileSync(path.join(home, '.aws/credentials'), '[default]\naws_access_key_id = key\naws_secret_access_key = secret\n');
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...rest } = env;
    const made = { project, env: { ...rest, HOME: home, AWS_EC2_METADATA_DISABLED: 'true' } };
    const { stdout } = await start(made, program, [...argumentsOf(marker), await engine(t)]);
    assert.equal(stdout, '1 2\n');
    fs.rmSync(home, { recursive: true });
    await assert.rejects(start(made, program, [...argumentsOf(marker), await engine(t)]), /CredentialsError/);
  });
}

test('node --no-addons', async (t) => {
  const made = withApp(await installed(t));
  await assert.rejects(start(made, process.execPath, ['--no-addons', 'app.js']), /Start Node\.js with --allow-addons, and without --no-addons\./);
});
