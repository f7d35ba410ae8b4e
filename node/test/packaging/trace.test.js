'use strict';

// Programs that copy the files of an application, bundle or compile it, take the addon along.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const esbuild = require('esbuild');
const {
  TOOLS, builtInPlace, emptyProject, engine, installed, npm, published, registry, run,
} = require('./helper');

const BUN = path.join(TOOLS, '@oven/bun-linux-x64-baseline/bin/bun');
const [platform] = Object.keys(builtInPlace());

/** A session that is written and read back. Argument: the engine's URL. */
const APP = `
const Store = require('koa-session-dynamodb-store');

const store = new Store({
  table: { name: 'traced', autoCreate: true },
  dynamoConfig: { region: 'local', endpoint: process.argv[2], accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' },
});
store.set('id', { views: 1 }, 60000, { ctx: {} }).then(() => store.get('id')).then((session) => console.log(session.views));
`;

function withApp(made) {
  fs.writeFileSync(path.join(made.project, 'app.js'), APP);
  return made;
}

/** The package in both of its forms, each with the path of the addon in a project. */
const FORMS = {
  'the package of the README': {
    addon: `node_modules/koa-session-dynamodb-store/koa-session-dynamodb-store.${platform}.node`,
    install: installed,
  },
  'the published packages': {
    addon: `node_modules/koa-session-dynamodb-store-${platform}/koa-session-dynamodb-store.${platform}.node`,
    async install(t) {
      const made = emptyProject(t);
      const { main, platforms } = published(t);
      const { url } = await registry(t, [main, ...platforms]);
      await npm(made.project, made.env, 'install', 'koa-session-dynamodb-store', '--registry', url);
      return made;
    },
  },
};

for (const [form, { addon, install }] of Object.entries(FORMS)) {
  describe(form, () => {
    test('@vercel/nft lists the addon, and the files it lists are enough', async (t) => {
      const { project, env } = withApp(await install(t));
      const script = `
        const { nodeFileTrace } = require(${JSON.stringify(path.join(TOOLS, '@vercel/nft'))});
        nodeFileTrace(['app.js'], { base: process.cwd() }).then(({ fileList }) => console.log(JSON.stringify([...fileList])));`;
      const { stdout } = await run(path.join(env.PATH, 'node'), ['-e', script], { cwd: project, env });
      const files = JSON.parse(stdout);
      assert.deepEqual(files.filter((file) => file.endsWith('.node')), [addon]);
      const elsewhere = path.join(path.dirname(project), 'elsewhere');
      files.forEach((file) => fs.cpSync(path.join(project, file), path.join(elsewhere, file)));
      const ran = await run(path.join(env.PATH, 'node'), ['app.js', await engine(t)], { cwd: elsewhere, env });
      assert.equal(ran.stdout, '1\n');
    });

    test('esbuild bundles it, with the addon beside the bundle', async (t) => {
      const { project, env } = withApp(await install(t));
      const elsewhere = path.join(path.dirname(project), 'elsewhere');
      await esbuild.build({
        absWorkingDir: project,
        entryPoints: ['app.js'],
        outdir: elsewhere,
        bundle: true,
        platform: 'node',
        loader: { '.node': 'copy' },
        logLevel: 'silent',
      });
      fs.rmSync(project, { recursive: true });
      const { stdout } = await run(path.join(env.PATH, 'node'), ['app.js', await engine(t)], { cwd: elsewhere, env });
      assert.equal(stdout, '1\n');
    });

    test('bun compiles it into a program that needs no other file', async (t) => {
      const { project, env } = withApp(await install(t));
      const program = path.join(path.dirname(project), 'program');
      await run(BUN, ['build', '--compile', 'app.js', '--outfile', program], { cwd: project, env });
      fs.rmSync(project, { recursive: true });
      const { stdout } = await run(program, [await engine(t)], { cwd: path.dirname(program), env, timeout: 30000 });
      assert.equal(stdout, '1\n');
    });
  });
}
