'use strict';

// What the packaging tests share: packed tarballs, empty projects, a registry and an engine on loopback.

const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const dynalite = require('dynalite');
const {
  pack, packForRegistry, builtInPlace, platforms,
} = require('../../scripts/pack');

const NODE_DIR = path.join(__dirname, '..', '..');
const TOOLS = path.join(__dirname, 'tools', 'node_modules');
const BUN = path.join(TOOLS, '@oven/bun-linux-x64-baseline/bin/bun');
const NODES = {
  [process.version]: process.execPath,
  22: path.join(TOOLS, 'node-22', 'bin', 'node'),
  24: path.join(TOOLS, 'node-24', 'bin', 'node'),
};
const NAME = 'koa-session-dynamodb-store';
const [PLATFORM] = Object.keys(builtInPlace());
const run = promisify(execFile);

// A directory that is removed when the test or suite `t` ends.
function temporary(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'packaging-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const which = (name) => process.env.PATH.split(path.delimiter)
  .map((dir) => path.join(dir, name))
  .find((file) => fs.existsSync(file));

// An environment with keys for an engine, whose PATH has Node, npm and a shell: no Rust, no compiler.
function bareEnvironment(dir, node = process.execPath) {
  const bin = path.join(dir, 'bin');
  fs.mkdirSync(bin);
  Object.entries({ node, npm: fs.realpathSync(which('npm')), sh: '/bin/sh' })
    .forEach(([name, target]) => fs.symlinkSync(target, path.join(bin, name)));
  const kept = Object.entries(process.env)
    .filter(([name]) => !/^(CARGO|RUST|AWS|NODE_TEST|NODE_OPTIONS|npm_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: bin,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'dummyKey',
    AWS_SECRET_ACCESS_KEY: 'dummyKey',
    YARN_CACHE_FOLDER: path.join(dir, 'yarn-cache'),
    npm_config_update_notifier: 'false',
  };
}

function emptyProject(t, manifest = {}) {
  const dir = temporary(t);
  const project = path.join(dir, 'project');
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, ...manifest }));
  return { project, env: bareEnvironment(dir) };
}

const npm = (project, env, ...args) => run(
  path.join(env.PATH, 'npm'),
  [...args, '--no-audit', '--no-fund'],
  { cwd: project, env },
);
const yarn = (project, env, ...args) => run(
  path.join(env.PATH, 'node'),
  [path.join(TOOLS, 'yarn', 'bin', 'yarn.js'), ...args, '--no-progress', '--non-interactive'],
  { cwd: project, env },
);

const kept = fs.mkdtempSync(path.join(os.tmpdir(), 'packaging-kept-'));
process.on('exit', () => fs.rmSync(kept, { recursive: true, force: true }));

/** The package in both of its forms: where the addon is in a project, and how npm installs it. */
const PUBLISHED = 'the published packages';
const FORMS = {
  'the package of the README': {
    addon: `node_modules/${NAME}/${NAME}.${PLATFORM}.node`,
    install: (made) => npm(made.project, made.env, 'install', '--offline', packHere().file),
  },
  [PUBLISHED]: {
    addon: `node_modules/${NAME}-${PLATFORM}/${NAME}.${PLATFORM}.node`,
    async install(made, t) {
      const { main, platforms: mine } = packForRegistry(path.join(kept, 'mine'), builtInPlace());
      const { url } = await registry(t, [main, ...mine]);
      await npm(made.project, made.env, 'install', NAME, '--registry', url);
    },
  },
};

// The links of node_modules/.bin stay as they are.
const COPY = { recursive: true, verbatimSymlinks: true };

// A project with the package installed by npm, once for a test file: each test gets a copy.
const projects = new Map();
async function installed(t, form = Object.keys(FORMS)[0]) {
  const made = emptyProject(t);
  const project = path.join(kept, form);
  if (!projects.has(form)) {
    projects.set(form, FORMS[form].install(made, t).then(() => fs.cpSync(made.project, project, COPY)));
  }
  await projects.get(form);
  fs.cpSync(project, made.project, COPY);
  return { ...made, addon: path.join(made.project, FORMS[form].addon) };
}

const APP = fs.readFileSync(path.join(__dirname, 'app.js'), 'utf8');
const AS_MODULE = /^const (\w+) = require\((.*)\);$/gm;

/** Puts an app into a project, also as an ES module. It prints '1 2'. */
function withApp(made) {
  fs.writeFileSync(path.join(made.project, 'app.js'), APP);
  fs.writeFileSync(path.join(made.project, 'app.mjs'), APP.replace(AS_MODULE, 'import $1 from $2;'));
  return made;
}

// The package with the addon built in place, packed once for a test file.
let packedHere;
function packHere() {
  packedHere ??= pack(kept, builtInPlace());
  return packedHere;
}

// The packages as they will be published: the addon built in place, and something else for the other platforms.
let publishedOnce;
function published() {
  if (!publishedOnce) {
    const here = builtInPlace();
    const other = path.join(kept, 'other.node');
    fs.writeFileSync(other, 'of another platform');
    const addons = platforms.map(({ name }) => [name, here[name] ?? other]);
    publishedOnce = packForRegistry(path.join(kept, 'published'), Object.fromEntries(addons));
  }
  return publishedOnce;
}

// An npm registry on loopback that has these packages and nothing else. `asked` are the names it was asked for.
async function registry(t, packed) {
  const packages = new Map(packed.map((each) => [each.manifest.name, each]));
  const asked = [];
  const server = http.createServer((request, response) => {
    const [, name, tarball] = decodeURIComponent(request.url).split('/');
    asked.push(name);
    const found = packages.get(name);
    if (!found) response.writeHead(404).end('{}');
    else if (tarball) fs.createReadStream(found.file).pipe(response);
    else {
      const { version } = found.manifest;
      const hash = (algorithm, encoding) => (
        crypto.createHash(algorithm).update(fs.readFileSync(found.file)).digest(encoding));
      const dist = {
        tarball: `http://${request.headers.host}/${name}/package.tgz`,
        shasum: hash('sha1', 'hex'),
        integrity: `sha512-${hash('sha512', 'base64')}`,
      };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({
        name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...found.manifest, dist } },
      }));
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}/`, asked };
}

// An engine to read from and write to; answers its URL.
async function engine(t) {
  const server = dynalite({ createTableMs: 0 });
  await new Promise((resolve, reject) => { server.listen(0, '127.0.0.1', (err) => (err ? reject(err) : resolve())); });
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

module.exports = {
  BUN,
  FORMS,
  NAME,
  NODE_DIR,
  NODES,
  PLATFORM,
  PUBLISHED,
  TOOLS,
  builtInPlace,
  emptyProject,
  engine,
  installed,
  npm,
  pack,
  packForRegistry,
  packHere,
  platforms,
  published,
  registry,
  run,
  temporary,
  withApp,
  yarn,
};
