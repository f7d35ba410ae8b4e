'use strict';

// A release that was interrupted is repeated: what is published stays, and the rest follows.

const { before, describe, test } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { start } = require('../support/subprocess');
const {
  names, packForRegistry, packProgramForRegistry, platforms,
} = require('../../scripts/pack');

const ROOT = path.resolve(__dirname, '../../..');

function temporary(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'release-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('npm', () => {
  const packages = fs.mkdtempSync(path.join(os.tmpdir(), 'release-'));
  process.on('exit', () => fs.rmSync(packages, { recursive: true }));

  const PLATFORMS = ['linux-x64-gnu', 'darwin-arm64'];
  const KINDS = ['koa-session-dynamodb-store', 'koa-session-dynamodb-store-cli'];
  const NAMES = KINDS.flatMap((kind) => [kind, ...PLATFORMS.map((platform) => `${kind}-${platform}`)]).sort();

  before(() => {
    const binary = path.join(packages, 'binary');
    fs.writeFileSync(binary, 'a binary');
    const binaries = Object.fromEntries(PLATFORMS.map((name) => [name, binary]));
    packForRegistry(packages, binaries);
    packProgramForRegistry(packages, binaries);
  });

  test('every name that can be published can be reserved', () => {
    assert.deepEqual(NAMES.filter((name) => !names().includes(name)), []);
    assert.equal(names().length, 2 + 2 * platforms.length);
  });

  /** A registry that can be published to. `refuses` says which package it fails for. */
  async function registry(t, refuses = () => false) {
    const published = new Map();
    const order = [];
    const server = http.createServer(async (request, response) => {
      const name = decodeURIComponent(request.url.slice(1).split('?')[0]);
      const chunks = await request.toArray();
      if (request.method === 'PUT' && refuses(name)) {
        response.writeHead(500).end('{}');
      } else if (request.method === 'PUT') {
        const body = JSON.parse(Buffer.concat(chunks));
        order.push(name);
        published.set(name, { ...body, _attachments: undefined });
        response.writeHead(201).end('{}');
      } else if (published.has(name)) {
        response.end(JSON.stringify(published.get(name)));
      } else {
        response.writeHead(404).end('{}');
      }
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    t.after(() => server.close());
    const url = `127.0.0.1:${server.address().port}/`;
    const home = temporary(t);
    fs.writeFileSync(path.join(home, '.npmrc'), `registry=http://${url}\n//${url}:_authToken=none\nfetch-retries=0\n`);
    const env = {
      PATH: process.env.PATH, HOME: home, npm_config_userconfig: path.join(home, '.npmrc'), npm_config_cache: path.join(home, 'cache'),
    };
    const publish = () => start(process.execPath, [path.join(ROOT, 'node/scripts/publish.js'), packages], { env }).ended;
    return { publish, order, published };
  }

  test('packages are published before those that need them, and once', async (t) => {
    const { publish, order, published } = await registry(t);
    const first = await publish();
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual([...order].sort(), NAMES);
    for (const [name, { versions }] of published) {
      const [{ optionalDependencies = {} }] = Object.values(versions);
      Object.keys(optionalDependencies).forEach((needed) => assert.ok(order.indexOf(needed) < order.indexOf(name), `${needed} before ${name}`));
    }
    assert.equal(order.at(-1), 'koa-session-dynamodb-store', 'it can run the program only when that is there');

    const second = await publish();
    assert.equal(second.code, 0, second.stderr);
    assert.equal(order.length, NAMES.length);
    assert.equal(second.stdout.match(/published already/g).length, NAMES.length);
  });

  test('a failure ends it, and the next run goes on', async (t) => {
    let isDown = true;
    const { publish, order } = await registry(t, (name) => isDown && name === 'koa-session-dynamodb-store-cli-linux-x64-gnu');
    const failed = await publish();
    assert.notEqual(failed.code, 0);
    assert.ok(order.length > 0 && order.length < NAMES.length);
    assert.ok(!order.includes('koa-session-dynamodb-store'));
    isDown = false;
    const done = await publish();
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual([...order].sort(), NAMES);
  });
});

// Cargo publishes to crates.io only, so another program stands in for it. It has `has`, and notes what it is asked for.
describe('crates.io', () => {
  async function publish(t, has, args = []) {
    const dir = temporary(t);
    const script = `#!/bin/sh
case "$1" in
  metadata) exec "$CARGO" "$@" ;;
  info) for each in $HAS; do [ "$each" = "$5" ] && exit 0; done; exit 101 ;;
  *) echo "$@" >>"$ASKED" ;;
esac`;
    fs.writeFileSync(path.join(dir, 'cargo'), script, { mode: 0o755 });
    const asked = path.join(dir, 'asked');
    const CARGO = execFileSync('which', ['cargo'], { encoding: 'utf8' }).trim();
    const env = {
      ...process.env, PATH: `${dir}:${process.env.PATH}`, CARGO, HAS: has.join(' '), ASKED: asked,
    };
    const ended = await start(path.join(ROOT, '.ci/publish-crates'), args, { env }).ended;
    assert.equal(ended.code, 0, ended.stderr);
    return fs.existsSync(asked) ? fs.readFileSync(asked, 'utf8').trim() : undefined;
  }

  const manifest = (folder) => fs.readFileSync(path.join(ROOT, folder, 'Cargo.toml'), 'utf8');
  const version = (folder) => /^version = "(.+)"$/m.exec(manifest(folder))?.[1];
  const ALL = ['', '-actix', '-cli', '-local', '-tower'].map((suffix) => `dynamodb-session${suffix}`);
  const WITH_VERSION = ALL.map((name) => `${name}@${version(`crates/${name}`) ?? version('.')}`);
  const chosen = (asked) => [...asked.matchAll(/--package (\S+)/g)].map(([, name]) => name).sort();

  test('all crates go in one command, which Cargo puts in order', async (t) => {
    const asked = await publish(t, []);
    assert.match(asked, /^publish --locked (--package \S+ ?)+$/);
    assert.deepEqual(chosen(asked), ALL);
  });

  test('a crate that is there in this version is left out', async (t) => {
    const asked = await publish(t, WITH_VERSION.filter((each) => !/tower|cli/.test(each)));
    assert.deepEqual(chosen(asked), ['dynamodb-session-cli', 'dynamodb-session-tower']);
  });

  test('nothing is asked for when all are there', async (t) => {
    assert.equal(await publish(t, WITH_VERSION), undefined);
  });

  test('a dry run is of all crates', async (t) => {
    const asked = await publish(t, WITH_VERSION, ['--dry-run']);
    assert.deepEqual(chosen(asked), ALL);
    assert.match(asked, / --dry-run$/);
  });
});
