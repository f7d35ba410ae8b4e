'use strict';

// Several copies of the package's JavaScript over one binary: in a workspace where two packages need different versions
// of a peer, with nested node_modules, after `jest.resetModules()`. Their stores have equal options.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
  after, before, describe, it,
} = require('node:test');
const { useEngine } = require('../support/engine');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const { PACKAGE, runScript } = require('../support/subprocess');

const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('copies');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'copies-'));
after(() => fs.rmSync(dir, { recursive: true }));

before(async () => {
  await recorder.started;
  await rawTable(engine.endpoint, NAME).create();
});

/** A copy of the package, with the one binary. */
function copied(name) {
  const to = path.join(dir, name);
  fs.cpSync(path.join(PACKAGE, 'dist'), path.join(to, 'dist'), { recursive: true });
  const [binary] = fs.readdirSync(PACKAGE).filter((file) => file.endsWith('.node'));
  fs.symlinkSync(path.join(PACKAGE, binary), path.join(to, binary));
  return path.join(to, 'dist/index.js');
}

/** The package as `jest.resetModules()` has it loaded: again, but for the binary, which Node loads once. */
function again() {
  const dist = path.join(PACKAGE, 'dist') + path.sep;
  Object.keys(require.cache).filter((file) => file.startsWith(dist)).forEach((file) => { delete require.cache[file]; });
  return path.join(dist, 'index.js');
}

// Windows lets administrators alone make links.
const SKIP = { 'two directories': process.platform === 'win32' && 'needs symbolic links' };

/* eslint-disable global-require, import/no-dynamic-require -- copies of one package */
const WAYS = {
  'two directories': () => [require(copied('first')), require(copied('second'))],
  'loaded again': () => [require(again()), require(again())],
};
/* eslint-enable */

const signerOf = ({ headers }) => /Credential=([^/]+)\//.exec(headers.authorization)[1];

for (const [way, copies] of Object.entries(WAYS)) {
  describe(way, { skip: SKIP[way] }, () => {
    const [First, Second] = copies();

    /** A store with a credentials function and a logger of its own. */
    const open = (Store, key) => {
      const own = { lines: [], asked: 0, events: [] };
      own.store = new Store({
        table: { name: NAME },
        ...open.options,
        dynamoConfig: {
          region: 'eu-west-1',
          endpoint: recorder.endpoint,
          credentials: async () => {
            own.asked += 1;
            return { accessKeyId: key, secretAccessKey: 'secret' };
          },
          logger: { log: (line) => own.lines.push(line) },
        },
      });
      return own;
    };

    it('are two classes', () => assert.notEqual(First, Second));

    it('each store asks its own provider, and has its own logger', async () => {
      open.options = { prefix: unique('credentials') };
      recorder.reset();
      const one = open(First, 'AKIDONE');
      const two = open(Second, 'AKIDTWO');
      await one.store.get('id');
      await two.store.get('id');
      await one.store.get('id');
      assert.deepEqual(recorder.calls.map(signerOf), ['AKIDONE', 'AKIDTWO', 'AKIDONE']);
      assert.deepEqual([one.asked, two.asked], [1, 1]);
      assert.deepEqual([one.lines.length, two.lines.length], [2, 1]);
    });

    it('each listener hears an event once', async () => {
      recorder.reset();
      const options = {
        table: { name: NAME },
        prefix: unique('events'),
        dynamoConfig: { region: 'local', endpoint: recorder.endpoint, retryDelayOptions: { base: 1 } },
      };
      const heard = [];
      const stores = [First, Second].flatMap((Store, index) => [0, 1].map(() => {
        const store = new Store(options);
        store.on('retry', ({ operation }) => heard.push(`${index} ${operation}`));
        return store;
      }));
      recorder.answer('GetItem', failure('InternalServerError', 'said the test', 500), 1);
      await stores[0].get('id');
      await new Promise((resolve) => { setImmediate(resolve); });
      // Stores of equal options share their events.
      assert.deepEqual(heard.sort(), ['0 GetItem', '0 GetItem', '1 GetItem', '1 GetItem']);
    });

    it('a store of one copy goes on when that of the other is gone', async () => {
      open.options = { prefix: unique('gone') };
      recorder.reset();
      const one = open(First, 'AKIDONE');
      await one.store.get('id');
      await open(Second, 'AKIDTWO').store.get('id');
      one.store.on('retry', ({ operation }) => one.events.push(operation));
      recorder.answer('GetItem', failure('InternalServerError', 'said the test', 500), 1);
      await one.store.get('id');
      await new Promise((resolve) => { setImmediate(resolve); });
      assert.deepEqual(one.events, ['GetItem']);
      assert.equal(one.lines.length, 2);
    });
  });
}

describe('one copy', () => {
  it('a logger and a provider that make a store while they are called', async () => {
    const Store = require(path.join(PACKAGE, 'dist/index.js')); // eslint-disable-line global-require, import/no-dynamic-require
    const made = [];
    const nested = () => made.push(new Store({
      table: { name: NAME },
      dynamoConfig: {
        region: 'local', endpoint: recorder.endpoint, logger: { log: () => {} }, credentials: async () => ({}),
      },
    }));
    const store = new Store({
      table: { name: NAME },
      dynamoConfig: {
        region: 'eu-west-1',
        endpoint: recorder.endpoint,
        credentials: async () => {
          nested();
          return { accessKeyId: 'AKIDNESTED', secretAccessKey: 'secret' };
        },
        logger: { log: nested },
      },
    });
    await store.get('id');
    await store.get('id');
    assert.equal(made.length, 3);
  });
});

it('a store that is gone takes its provider, logger and listener along', async () => {
  const end = await runScript(async (Store, table, endpoint) => {
    const turn = () => new Promise((resolve) => { setImmediate(resolve); });
    const used = async () => {
      const credentials = async () => ({ accessKeyId: 'AKIDGONE', secretAccessKey: 'secret' });
      const logger = { log: () => {} };
      const store = new Store({
        table: { name: table },
        dynamoConfig: {
          region: 'eu-west-1', endpoint, credentials, logger,
        },
      });
      const listener = () => store;
      store.on('retry', listener);
      await store.get('id');
      return [credentials, logger, listener, store].map((object) => new WeakRef(object));
    };
    const left = await used();
    for (let i = 0; i < 50 && left.some((reference) => reference.deref()); i += 1) {
      await turn();
      global.gc();
    }
    console.log(left.filter((reference) => reference.deref()).length);
  }, [NAME, recorder.endpoint], { flags: ['--expose-gc'] });
  assert.deepEqual([end.code, end.stdout], [0, '0\n']);
});
