'use strict';

// Snippets of whole apps: each counts views, and is run as it stands.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { cleanEnv, printed, start } = require('../support/subprocess');
const Visitor = require('../support/visitor');
const { ROOT } = require('./markdown');

const MODULES = path.join(ROOT, 'node', 'node_modules');

const temporary = (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'docs-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
};

// A project with the package and the frameworks installed.
function project(t, koaSession = 'koa-session') {
  const dir = temporary(t);
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.writeFileSync(path.join(dir, 'package.json'), '{}');
  Object.entries({
    koa: path.join(MODULES, 'koa'),
    'koa-session': path.join(MODULES, koaSession),
    express: path.join(MODULES, 'express'),
    'express-session': path.join(MODULES, 'express-session'),
    fastify: path.join(MODULES, 'fastify'),
    '@fastify': path.join(MODULES, '@fastify'),
    '@types': path.join(MODULES, '@types'),
    'koa-session-dynamodb-store': path.join(ROOT, 'node'),
  }).forEach(([name, target]) => fs.symlinkSync(target, path.join(dir, 'node_modules', name)));
  return dir;
}

// Runs an app and visits it.
async function countsViews(t, source, { extension = 'js', env = {}, koaSession } = {}) {
  const dir = project(t, koaSession);
  const file = path.join(dir, `app.${extension}`);
  fs.writeFileSync(file, source);
  const app = start(process.execPath, ['--require', path.join(__dirname, 'listen.js'), file], {
    cwd: dir, env: cleanEnv({ SESSION_KEY: 'a key of the tests, long enough for all', ...env }),
  });
  t.after(app.stop);
  const [, port] = await printed(app, /listening on (\d+)/);
  const visitor = new Visitor(`http://127.0.0.1:${port}`);
  assert.equal((await visitor.get('/')).body, '1 views');
  assert.equal((await visitor.get('/')).body, '2 views');
  assert.equal((await new Visitor(visitor.url).get('/')).body, '1 views');
  assert.equal(app.output.stderr, '');
}

// What the environment says in place of AWS.
const environment = ({ endpoint }) => ({ AWS_REGION: 'local', AWS_ENDPOINT_URL_DYNAMODB: endpoint });

module.exports = {
  MODULES, countsViews, environment, project, temporary,
};
