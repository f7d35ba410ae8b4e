'use strict';

// What the core and the addon are made of: nothing that belongs to the crates around them.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const ROOT = path.join(__dirname, '..', '..', '..');
const FORBIDDEN = {
  'the AWS SDK\'s DynamoDB client': /^aws-sdk-dynamodb$/,
  // It reads the environment of the process, which the application may be changing.
  'the AWS SDK\'s credential chain': /^aws-config$/,
  SQLite: /^(rusqlite|libsqlite3-sys|sqlite3?-.*|sqlx.*|dynoxide.*)$/,
  'a web framework': /^(axum.*|actix.*|warp|rocket.*|poem|salvo|tide|tower-http|tower-sessions.*)$/,
  // rustls-native-certs has openssl-probe and schannel: they find the system's certificates and do no TLS.
  'another TLS stack': /^(openssl|openssl-sys|native-tls|hyper-tls|boring.*|tokio-(native-tls|openssl)|s2n-tls.*)$/,
  'another crypto provider': /^(aws-lc-.*|aws-lc|rustls-(graviola|openssl|symcrypt|mbedtls.*)|boring-rustls.*)$/,
};

// Every crate that ends up in what is built, as "name version".
const tree = (name) => execFileSync('cargo', [
  'tree', '--locked', '--package', name, '--edges', 'normal', '--prefix', 'none', '--format', '{p}', '--target', 'all',
], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  .trim().split('\n').map((line) => line.split(' ').slice(0, 2).join(' '));

for (const name of ['dynamodb-session', 'koa-session-dynamodb-store']) {
  describe(`the tree of ${name}`, () => {
    const crates = [...new Set(tree(name))].sort();

    for (const [what, pattern] of Object.entries(FORBIDDEN)) {
      test(`has not ${what}`, () => {
        assert.deepEqual(crates.filter((crate) => pattern.test(crate.split(' ')[0])), []);
      });
    }

    for (const one of ['rustls', 'ring', 'hyper', 'tokio']) {
      test(`has ${one} exactly once`, () => {
        const found = crates.filter((crate) => crate.startsWith(`${one} `));
        assert.equal(found.length, 1, found.join());
      });
    }
  });
}
