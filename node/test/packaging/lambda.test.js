'use strict';

// Functions packed for AWS Lambda as the page says. Away from Lambda: the archives are unpacked where nothing else is,
// and their handlers called.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  FORMS, NAME, TOOLS, engine, installed, packHere, run, temporary,
} = require('./helper');
const snippet = require('./snippet');

const FFLATE = JSON.stringify(path.join(TOOLS, 'fflate'));
const HANDLER = `
const DynamoDBStore = require('${NAME}');

const store = new DynamoDBStore({ table: { name: 'lambda', autoCreate: true } });
exports.handler = async () => {
  await store.set('id', { views: 1 }, 60000, { ctx: {} });
  return (await store.get('id')).views;
};
`;

// zip -qr ARCHIVE NAME ...: the program is not on every machine.
const ZIP = `
const fs = require('node:fs');
const path = require('node:path');
const [archive, ...names] = process.argv.slice(3);
const files = names.flatMap((name) => (fs.statSync(name).isDirectory()
  ? fs.readdirSync(name, { recursive: true }).map((inner) => path.join(name, inner)) : [name]))
  .filter((name) => fs.statSync(name).isFile());
fs.writeFileSync(archive, require(${FFLATE}).zipSync(Object.fromEntries(files.map((name) => [name, fs.readFileSync(name)]))));
`;

function unzip(archive, to) {
  const { unzipSync } = require(path.join(TOOLS, 'fflate')); // eslint-disable-line
  Object.entries(unzipSync(fs.readFileSync(archive))).filter(([name]) => !name.endsWith('/')).forEach(([name, bytes]) => {
    fs.mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
    fs.writeFileSync(path.join(to, name), bytes);
  });
}

// A project with a handler, and a shell that has npm and zip.
async function project(t, form) {
  const made = await installed(t, form);
  fs.writeFileSync(path.join(made.project, 'index.js'), HANDLER);
  fs.writeFileSync(path.join(made.env.PATH, 'zip.js'), ZIP);
  fs.writeFileSync(path.join(made.env.PATH, 'zip'), '#!/bin/sh\nexec node "${0%/*}/zip.js" "$@"\n', { mode: 0o755 }); // eslint-disable-line no-template-curly-in-string
  const env = { ...made.env, npm_config_offline: 'true', npm_config_fund: 'false' };
  const shell = (text) => run('/bin/sh', ['-ec', text], { cwd: made.project, env, timeout: 60000 });
  return { ...made, shell };
}

// Calls a handler in a folder, as Lambda does.
async function invoke(t, { env }, task, settings = {}, load = "require('./index.js')") {
  const script = `Promise.resolve(${load}).then(({ handler }) => handler({})).then(console.log)`;
  const { stdout, stderr } = await run(path.join(env.PATH, 'node'), ['-e', script], {
    cwd: task, env: { ...env, AWS_ENDPOINT_URL_DYNAMODB: await engine(t), ...settings }, timeout: 30000,
  });
  assert.deepEqual([stdout, stderr], ['1\n', '']);
}

for (const form of Object.keys(FORMS)) {
  test(`a zip file: ${form}`, async (t) => {
    const made = await project(t, form);
    await made.shell(snippet('lambda-zip'));
    const task = temporary(t);
    unzip(path.join(made.project, 'function.zip'), task);
    fs.rmSync(made.project, { recursive: true });
    await invoke(t, made, task);
  });
}

describe('a layer', () => {
  async function withLayer(t, name, handler) {
    const made = await project(t);
    await made.shell(snippet('lambda-layer').replace('FILE', packHere().file));
    const [opt, task] = [temporary(t), temporary(t)];
    unzip(path.join(made.project, 'layer.zip'), opt);
    fs.rmSync(made.project, { recursive: true });
    fs.writeFileSync(path.join(task, name), handler);
    return { made, task, settings: { NODE_PATH: path.join(opt, 'nodejs/node_modules') } };
  }

  test('CommonJS', async (t) => {
    const { made, task, settings } = await withLayer(t, 'index.js', HANDLER);
    await invoke(t, made, task, settings);
  });

  test('an ES module', async (t) => {
    const [, , ...body] = HANDLER.trim().replace('exports.handler =', 'export const handler =').split('\n');
    const handler = (head) => [head, ...body].join('\n');
    const { made, task, settings } = await withLayer(t, 'index.mjs', handler(snippet('lambda-layer-esm')));
    await invoke(t, made, task, settings, "import('./index.mjs')");
    fs.writeFileSync(path.join(task, 'index.mjs'), handler(`import DynamoDBStore from '${NAME}';`));
    await assert.rejects(invoke(t, made, task, settings, "import('./index.mjs')"), /ERR_MODULE_NOT_FOUND/);
  });
});

// What the plugin uses of the Serverless Framework, which is not here.
const SERVERLESS = `
const fs = require('node:fs');
const Plugin = require(${JSON.stringify(path.join(TOOLS, 'serverless-esbuild'))});
const silent = () => {};
const serverless = {
  classes: { Error },
  config: { serviceDir: process.cwd() },
  configSchemaHandler: { defineFunctionProperties: silent },
  getVersion: () => '3.40.0',
  pluginManager: { spawn: silent },
  service: {
    custom: { esbuild: { config: 'esbuild.config.js' } },
    functions: { hello: { handler: 'index.handler', name: 'hello' } },
    package: { individually: process.argv[2] === 'individually' },
    provider: { name: 'aws', runtime: 'nodejs20.x' },
    service: 'hello',
  },
  utils: {
    readFileSync: (file) => JSON.parse(fs.readFileSync(file, 'utf8')),
    writeFileSync: (file, content) => fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content)),
  },
};
const { hooks } = new Plugin(serverless, {}, { log: { debug: silent, error: console.error, verbose: silent, warning: console.error } });
(async () => {
  await hooks.initialize();
  await hooks['before:package:createDeploymentArtifacts']();
  await hooks['after:package:createDeploymentArtifacts']();
})();
`;

describe('serverless-esbuild', () => {
  async function packed(made, how) {
    fs.writeFileSync(path.join(made.project, 'esbuild.config.js'), snippet('serverless-esbuild'));
    fs.writeFileSync(path.join(made.project, 'serverless.js'), SERVERLESS);
    await made.shell(`node serverless.js ${how}`);
    return path.join(made.project, '.serverless/hello.zip');
  }

  for (const how of ['together', 'individually']) {
    test(`functions that are packed ${how}`, async (t) => {
      const made = await project(t);
      const task = temporary(t);
      unzip(await packed(made, how), task);
      fs.rmSync(made.project, { recursive: true });
      assert.deepEqual(fs.readdirSync(task), ['index.js', 'node_modules']);
      await invoke(t, made, task);
    });
  }

  test('a package that is not in dependencies is missing', async (t) => {
    const made = await project(t);
    fs.writeFileSync(path.join(made.project, 'package.json'), '{ "dependencies": {} }');
    const task = temporary(t);
    unzip(await packed(made, 'together'), task);
    fs.rmSync(made.project, { recursive: true });
    await assert.rejects(invoke(t, made, task), /Cannot find module 'koa-session-dynamodb-store'/);
  });
});
