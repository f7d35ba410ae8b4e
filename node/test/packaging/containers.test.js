'use strict';

// The Dockerfiles of the page, step by step, in folders that stand for the images. The system is that of this machine.

const { test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  NAME, engine, installed, npm, packHere, run, temporary, withApp,
} = require('./helper');
const snippet = require('./snippet');

// What a build may copy: an application, and what was installed for another machine, which `.dockerignore` keeps out.
async function context(t) {
  const made = withApp(await installed(t));
  const tarball = path.basename(packHere().file);
  fs.copyFileSync(packHere().file, path.join(made.project, tarball));
  await npm(made.project, made.env, 'install', '--offline', `./${tarball}`);
  fs.writeFileSync(made.addon, 'for another machine');
  fs.writeFileSync(path.join(made.project, 'index.js'), "exports.handler = async () => require('koa-session-dynamodb-store/package.json').name;\n");
  fs.writeFileSync(path.join(made.project, '.dockerignore'), 'node_modules\n');
  return made;
}

// Takes the steps of a Dockerfile. Answers the folder of the last stage in which its command runs, and the command.
async function build(t, { project, env }, text) {
  const ignored = fs.readFileSync(path.join(project, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const stages = {};
  let stage;
  const place = (name) => path.join(stage.root, path.resolve(stage.folder, name));
  const steps = {
    FROM(image, as, name = '') {
      // Lambda's images have a folder for functions.
      stage = { root: temporary(t), folder: image.includes('/lambda/') ? '/var/task' : '/' };
      stages[name] = stage;
      fs.mkdirSync(place('.'), { recursive: true });
    },
    WORKDIR(folder) {
      stage.folder = folder;
      fs.mkdirSync(place('.'), { recursive: true });
    },
    COPY(...names) {
      const [, from] = /^--from=(.*)/.exec(names[0]) ?? [];
      const sources = names.slice(from ? 1 : 0, -1);
      const root = from ? stages[from].root : project;
      const filter = (file) => from || !ignored.includes(path.relative(project, file));
      const to = names.at(-1);
      sources.forEach((name) => {
        const source = path.join(root, name);
        const into = fs.statSync(source).isDirectory() ? place(to) : path.join(place(to), path.basename(name));
        fs.cpSync(source, into, { recursive: true, filter });
      });
    },
    async RUN(...words) {
      const settings = { npm_config_offline: 'true', npm_config_audit: 'false' };
      await run('/bin/sh', ['-ec', words.join(' ')], { cwd: place('.'), env: { ...env, ...settings }, timeout: 60000 });
    },
    USER() {},
    CMD(...words) {
      stage.command = JSON.parse(words.join(' '));
    },
  };
  for (const line of text.trim().split('\n').filter(Boolean)) {
    const [instruction, ...words] = line.split(' ');
    await steps[instruction](...words);
  }
  return { folder: place('.'), command: stage.command };
}

for (const marker of ['dockerfile debian', 'dockerfile alpine']) {
  test(marker, async (t) => {
    const made = await context(t);
    const { folder, command: [program, ...args] } = await build(t, made, snippet(marker));
    fs.rmSync(made.project, { recursive: true });
    const options = { cwd: folder, env: made.env, timeout: 30000 };
    const { stdout } = await run(path.join(made.env.PATH, program), [...args, await engine(t)], options);
    assert.equal(stdout, '1 2\n');
  });
}

test('dockerfile lambda', async (t) => {
  const made = await context(t);
  const { folder, command: [handler] } = await build(t, made, snippet('dockerfile lambda'));
  fs.rmSync(made.project, { recursive: true });
  const [file, name] = handler.split('.');
  const script = `require('${NAME}'); require('./${file}.js').${name}().then(console.log)`;
  const { stdout } = await run(path.join(made.env.PATH, 'node'), ['-e', script], { cwd: folder, env: made.env });
  assert.equal(stdout, `${NAME}\n`);
});

test('without .dockerignore the binary of another machine is used', async (t) => {
  const made = await context(t);
  fs.writeFileSync(path.join(made.project, '.dockerignore'), '');
  const { folder } = await build(t, made, snippet('dockerfile alpine'));
  await assert.rejects(run(path.join(made.env.PATH, 'node'), ['app.js'], { cwd: folder, env: made.env }), /The file is damaged, or for another processor/);
});
