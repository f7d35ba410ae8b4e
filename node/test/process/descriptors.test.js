'use strict';

// A process that has no file descriptors left, so that the network thread cannot start.

/* eslint-disable global-require, import/no-dynamic-require -- the script runs on its own */

const assert = require('node:assert/strict');
const path = require('node:path');
const { it } = require('node:test');
const { useEngine } = require('../support/engine');
const { local } = require('../support/options');
const { PACKAGE, runScript } = require('../support/subprocess');
const useTable = require('../support/table');

const engine = useEngine();
const table = useTable(engine, 'descriptors');

const skip = process.platform === 'win32' && 'needs ulimit';

it('calls fail without descriptors, and work when there are some again', { skip }, async () => {
  const end = await runScript(async (Store, dist, given) => {
    const fs = require('node:fs');
    // Node needs descriptors to load a file.
    fs.readdirSync(dist).filter((file) => file.endsWith('.js')).forEach((file) => require(`${dist}/${file}`));
    const taken = [];
    try {
      for (;;) taken.push(fs.openSync('/dev/null'));
    } catch (err) {
      if (err.code !== 'EMFILE') throw err;
    }
    const store = new Store(given);
    const calls = [1, 2, 3].map(() => store.get('x'));
    const first = await Promise.allSettled(calls);
    const then = await Promise.allSettled([store.set('x', { a: 1 }, 60000, { ctx: {} })]);
    taken.forEach((descriptor) => fs.closeSync(descriptor));
    [...first, ...then].forEach(({ status, reason }) => {
      console.log(status, reason.code, reason.cause?.message ?? reason.message);
    });
    await store.set('x', { a: 1 }, 60000, { ctx: {} });
    console.log(await store.get('x'));
  }, [path.join(PACKAGE, 'dist'), local(engine.endpoint, table.name)], { limits: '-n 200' });
  assert.match(end.stdout, /^(rejected \w+ .*network thread could not start.*\n){4}\{ a: 1 \}\n$/);
  assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
});
