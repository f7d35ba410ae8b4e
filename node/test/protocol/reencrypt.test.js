'use strict';

// The key of encrypted sessions is changed while the app serves requests: `dynamodb-session reencrypt`, and then the
// old key is removed.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { binary, useEngine } = require('../support/engine');
const frameworks = require('../support/frameworks');
const { localAlone, unique } = require('../support/options');
const { cleanEnv, start } = require('../support/subprocess');
const useTable = require('../support/table');
const Visitor = require('../support/visitor');

const HOUR = 3600000;
const VISITORS = 20;
const newKey = (id) => ({ id, key: crypto.randomBytes(32).toString('base64') });

const engine = useEngine();
const table = useTable(engine, 'reencrypt');

const handle = async ({
  path: page, session, query, fields, signOut,
}) => {
  if (page === '/out') {
    await signOut();
    return {};
  }
  Object.assign(session, query);
  return fields();
};

const open = async (t, framework, ids, prefix, encryption) => {
  const options = { touchAfter: 0, prefix, encryption };
  const store = new framework.Store(localAlone(engine.endpoint, table.name, options));
  const left = [...ids];
  const app = await framework.open(t, store, { genid: () => left.shift() ?? unique('other'), maxAge: HOUR }, handle);
  return { ...app, store };
};

// What the program prints.
const reencrypt = async (t, prefix, keys) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'reencrypt-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'keys.json');
  fs.writeFileSync(file, JSON.stringify(keys));
  const args = ['--region', 'local', '--endpoint-url', engine.endpoint, '--table-name', table.name, '--json'];
  const program = start(binary(), ['reencrypt', '--key-file', file, '--prefix', prefix, ...args], { env: cleanEnv() });
  const { code, stdout, stderr } = await program.ended;
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
};

frameworks.forEach((framework) => {
  describe(`the key of sessions of ${framework.name} is changed`, () => {
    it('and the old one is removed: all are as they were, and who signed out stays so', async (t) => {
      const [old, recent] = [newKey('old'), newKey('new')];
      const prefix = `${unique('app')}:`;
      const ids = Array.from({ length: VISITORS }, () => unique('id'));
      const first = await open(t, framework, ids, prefix, { keys: [old] });
      for (const index of ids.keys()) await new Visitor(first.url).get(`/?n=${index}`);
      // The new key is known to every process before it is the first one.
      const behind = await open(t, framework, [], prefix, { keys: [old, recent] });
      const front = await open(t, framework, [], prefix, { keys: [recent, old] });
      const visit = async (app, index, page = '/') => {
        const { status, body } = await new Visitor(app.url, framework.cookies(ids[index])).get(page);
        assert.equal(status, 200);
        return body;
      };
      // Every third one changes something, every third one only looks, and one signs out, by processes of both steps.
      const visits = (round) => Promise.all(ids.map((id, index) => {
        if (index === 0) return round === 1 && visit(front, index, '/out');
        return visit(index % 2 ? behind : front, index, index % 3 ? '/' : `/?round${round}=x`);
      }));
      const running = reencrypt(t, prefix, [recent, old]);
      for (const round of [1, 2, 3]) await visits(round);
      const done = await running;
      assert.equal(done.unreadable + done.skipped, 0);
      const after = await reencrypt(t, prefix, [recent, old]);
      assert.deepEqual([after.sessions, after.keys, after.plain], [VISITORS - 1, { new: VISITORS - 1 }, 0]);

      const last = await open(t, framework, [], prefix, { keys: [recent], mode: 'only' });
      for (const index of ids.keys()) {
        const rounds = index % 3 ? {} : { round1: 'x', round2: 'x', round3: 'x' };
        assert.deepEqual(await visit(last, index), index === 0 ? {} : { n: String(index), ...rounds });
      }
      assert.deepEqual(Object.keys(last.store.stats().sealedByKey), ['new']);
      [first, behind, front, last].forEach(({ errors }) => assert.deepEqual(errors, []));
    });
  });
});
