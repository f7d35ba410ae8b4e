'use strict';

// Worker threads, clusters, and several stores in one process.

/* eslint-disable global-require, import/no-dynamic-require -- the scripts and threads run on their own */

const assert = require('node:assert/strict');
const path = require('node:path');
const { before, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const {
  cleanEnv, PACKAGE, runScript, start, startScript,
} = require('../support/subprocess');
const useTable = require('../support/table');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'threads');
let options;

before(async () => {
  await recorder.started;
  options = local(recorder.endpoint, table.name);
});

const clean = (stdout) => ({
  code: 0, signal: null, stdout, stderr: '',
});

it('four worker threads and the main thread use stores', async () => {
  recorder.reset();
  const end = await runScript(async (Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = async () => {
      const { parentPort, workerData } = require('node:worker_threads');
      const OwnStore = require(workerData.from);
      const store = new OwnStore(workerData.given);
      for (let i = 0; i < 25; i += 1) {
        const id = `worker-${workerData.number}-${i}`;
        await store.set(id, { id, bytes: Buffer.from(id) }, 60000, { ctx: {} });
        const session = await store.get(id);
        if (session.id !== id || String(session.bytes) !== id) throw new Error('another session');
      }
      parentPort.postMessage('done');
    };
    const messages = [];
    const workers = [1, 2, 3, 4].map((number) => new Promise((resolve, reject) => {
      const worker = new Worker(`(${work})()`, { eval: true, workerData: { from, given, number } });
      worker.on('message', (message) => messages.push(message));
      worker.on('error', reject);
      worker.on('exit', resolve);
    }));
    const store = new Store(given);
    await store.set('main', { a: 1 }, 60000, { ctx: {} });
    const codes = await Promise.all(workers);
    console.log(messages.join(' '), codes.join(' '), (await store.get('main')).a);
  }, [PACKAGE, options]);
  assert.deepEqual(end, clean('done done done done 0 0 0 0 1\n'));
});

it('worker threads terminated in the middle of a call: no crash, and the main thread goes on', async () => {
  recorder.reset();
  const held = recorder.hold('GetItem');
  const script = startScript(async (Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = () => {
      const { workerData } = require('node:worker_threads');
      const OwnStore = require(workerData.from);
      new OwnStore(workerData.given).get('x');
    };
    const workers = [1, 2, 3, 4].map(() => new Worker(`(${work})()`, { eval: true, workerData: { from, given } }));
    const store = new Store(given);
    process.once('message', async () => {
      const codes = await Promise.all(workers.map((worker) => worker.terminate()));
      console.log('terminated', codes.join(' '));
      process.once('message', async () => {
        await store.set('after', { a: 1 }, 60000, { ctx: {} });
        console.log(await store.get('after'));
        process.disconnect();
      });
      process.send('terminated');
    });
  }, [PACKAGE, options], { ipc: true });
  await held.arrived(4);
  script.child.send('terminate');
  await new Promise((resolve) => { script.child.once('message', resolve); });
  // The answers arrive after the threads have ended.
  held.release();
  script.child.send('go on');
  assert.deepEqual(await script.ended, clean('terminated 1 1 1 1\n{ a: 1 }\n'));
});

it('a worker thread that ends in the middle of a call does so cleanly', async () => {
  recorder.reset();
  const end = await runScript(async (Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = () => {
      const { workerData } = require('node:worker_threads');
      const OwnStore = require(workerData.from);
      const store = new OwnStore(workerData.given);
      for (let i = 0; i < 20; i += 1) store.set(`gone-${i}`, { i }, 60000, { ctx: {} });
      process.exit(3); // of the thread
    };
    for (let round = 0; round < 5; round += 1) {
      const worker = new Worker(`(${work})()`, { eval: true, workerData: { from, given } });
      const code = await new Promise((resolve) => { worker.on('exit', resolve); });
      console.log(code);
    }
  }, [PACKAGE, options]);
  assert.deepEqual(end, clean('3\n3\n3\n3\n3\n'));
});

it('a store used first in a worker thread, then, when that is gone, in the main thread', async () => {
  recorder.reset();
  const end = await runScript(async (Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = async () => {
      const { workerData } = require('node:worker_threads');
      const OwnStore = require(workerData.from);
      await new OwnStore(workerData.given).set('handed over', { a: 1 }, 60000, { ctx: {} });
    };
    const worker = new Worker(`(${work})()`, { eval: true, workerData: { from, given } });
    await new Promise((resolve) => { worker.on('exit', resolve); });
    console.log(await new Store(given).get('handed over'));
  }, [PACKAGE, options]);
  assert.deepEqual(end, clean('{ a: 1 }\n'));
});

it('a worker thread whose credentials provider never answers can be terminated', async () => {
  const end = await runScript(async (Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = () => {
      const { parentPort, workerData } = require('node:worker_threads');
      const OwnStore = require(workerData.from);
      const { accessKeyId, secretAccessKey, ...dynamoConfig } = workerData.given.dynamoConfig;
      const credentials = () => {
        parentPort.postMessage('asked');
        return new Promise(() => {});
      };
      new OwnStore({ ...workerData.given, dynamoConfig: { ...dynamoConfig, credentials } }).get('x');
    };
    const worker = new Worker(`(${work})()`, { eval: true, workerData: { from, given } });
    worker.once('message', async () => console.log(await worker.terminate()));
  }, [PACKAGE, options], { ms: 5000 });
  assert.deepEqual(end, clean('1\n'));
});

it('a cluster of two workers', async () => {
  recorder.reset();
  const cluster = start(process.execPath, [path.join(__dirname, 'cluster.js'), JSON.stringify(options)], {
    env: cleanEnv(),
  });
  assert.deepEqual(await cluster.ended, clean('true\ntrue\n0 0\n'));
});

it('several stores in one process: tables, prefixes and endpoints do not mix', async () => {
  recorder.reset();
  const names = [unique('one'), unique('two')];
  await Promise.all(names.map((name) => rawTable(engine.endpoint, name).create()));
  const end = await runScript(async (Store, all) => {
    const stores = all.map((each) => new Store(each));
    await Promise.all(stores.map((store, number) => store.set('same id', { number }, 60000, { ctx: {} })));
    const sessions = await Promise.all(stores.map((store) => store.get('same id')));
    console.log(sessions.map(({ number }) => number).join(' '));
  }, [[
    local(recorder.endpoint, names[0]), local(recorder.endpoint, names[1]),
    local(recorder.endpoint, names[0], { prefix: 'a:' }), local(recorder.endpoint, names[0], { prefix: 'b:' }),
    local(engine.endpoint, names[1], { prefix: 'a:' }),
  ]]);
  assert.deepEqual(end, clean('0 1 2 3 4\n'));
});

it('stores of the same options share connections', async () => {
  recorder.reset();
  const end = await runScript(async (Store, given) => {
    for (let i = 0; i < 100; i += 1) await new Store(given).get('x');
    console.log('end');
  }, [options]);
  assert.deepEqual(end, clean('end\n'));
  assert.equal(recorder.only('GetItem').length, 100);
  assert.ok(recorder.connections() <= 3, `${recorder.connections()} connections`);
});
