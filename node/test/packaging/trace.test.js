'use strict';

// Programs that copy the files of an application, or compile it, take the addon along.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  BUN, FORMS, TOOLS, engine, installed, run, withApp,
} = require('./helper');
const snippet = require('./snippet');

for (const [form, { addon }] of Object.entries(FORMS)) {
  describe(form, () => {
    test('@vercel/nft lists the addon, and the files it lists are enough', async (t) => {
      const { project, env } = withApp(await installed(t, form));
      const script = `
        const { nodeFileTrace } = require(${JSON.stringify(path.join(TOOLS, '@vercel/nft'))});
        nodeFileTrace(['app.js'], { base: process.cwd() }).then(({ fileList }) => console.log(JSON.stringify([...fileList])));`;
      const { stdout } = await run(path.join(env.PATH, 'node'), ['-e', script], { cwd: project, env });
      const files = JSON.parse(stdout);
      assert.deepEqual(files.filter((file) => file.endsWith('.node')), [addon]);
      const elsewhere = path.join(path.dirname(project), 'elsewhere');
      files.forEach((file) => fs.cpSync(path.join(project, file), path.join(elsewhere, file)));
      const ran = await run(path.join(env.PATH, 'node'), ['app.js', await engine(t)], { cwd: elsewhere, env });
      assert.equal(ran.stdout, '1 2\n');
    });

    test('bun compiles it into a program that needs no other file', async (t) => {
      const { project, env } = withApp(await installed(t, form));
      const program = path.join(path.dirname(project), 'program');
      const [, ...args] = snippet('bun-compile').trim().split(' ');
      await run(BUN, args, { cwd: project, env });
      fs.renameSync(path.join(project, 'program'), program);
      fs.rmSync(project, { recursive: true });
      const { stdout } = await run(program, [await engine(t)], { cwd: path.dirname(program), env, timeout: 30000 });
      assert.equal(stdout, '1 2\n');
    });
  });
}
