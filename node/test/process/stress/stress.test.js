'use strict';

// Thousands of stores, calls and threads start and end, without a lost call, a leak or a crash.
// STRESS=20 repeats everything twenty times, as in `make audit`.

/* eslint-disable global-require, import/no-dynamic-require -- the scripts and threads run on their own */

const assert = require('node:assert/strict');
const path = require('node:path');
const { before, it } = require('node:test');
const { useEngine } = require('../../support/engine');
const { local, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { PACKAGE, runScript } = require('../../support/subprocess');

const STRESS = Number(process.env.STRESS || 1);
const ROUNDS = path.join(__dirname, 'rounds.js');
const COLLECTING = { flags: ['--expose-gc'], ms: 60000 * STRESS };

const engine = useEngine();
const NAME = unique('stress');
let options;

before(async () => {
  await engine.started;
  await rawTable(engine.endpoint, NAME).create();
  // Long timeouts, because the test stresses this process: a slow engine is not a failure.
  options = local(engine.endpoint, NAME, { dynamoConfig: { httpOptions: { connectTimeout: 60000, timeout: 60000 } } });
});

const clean = (stdout) => ({
  code: 0, signal: null, stdout, stderr: '',
});

it('thousands of stores of the same options leave nothing behind', async () => {
  const end = await runScript(async (Store, rounds, given, many) => {
    const grown = require(rounds);
    console.log(await grown(async () => {
      for (let i = 0; i < many; i += 1) {
        const store = new Store(given);
        if (i % 100 === 0) await store.get('missing');
      }
    }));
  }, [ROUNDS, options, 1500 * STRESS], COLLECTING);
  assert.deepEqual(end, clean('[]\n'));
});

it('stores of different options, dropped while their calls are pending, leave nothing behind', async () => {
  const end = await runScript(async (Store, rounds, given, many) => {
    const grown = require(rounds);
    console.log(await grown(async (round) => {
      const calls = [];
      for (let i = 0; i < many; i += 1) {
        const credentials = async () => ({ accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' });
        const { accessKeyId, secretAccessKey, ...dynamoConfig } = given.dynamoConfig;
        const store = new Store({ ...given, prefix: `${round}-${i}:`, dynamoConfig: { ...dynamoConfig, credentials } });
        store.on('conflict', () => {});
        const call = store.set('x', { i }, 60000, { ctx: {} }).then(() => store.get('x'));
        calls.push(call.then((session) => session.i === i));
        if (i % 20 === 0) global.gc();
      }
      const answers = await Promise.all(calls);
      if (!answers.every(Boolean)) console.log('an answer is another store\'s');
    }));
  }, [ROUNDS, options, 60 * STRESS], COLLECTING);
  assert.deepEqual(end, clean('[]\n'));
});

it('worker threads that are terminated during their calls leave nothing behind', async () => {
  const end = await runScript(async (Store, rounds, from, given, many) => {
    const { setTimeout: delay } = require('node:timers/promises');
    const { Worker } = require('node:worker_threads');
    const grown = require(rounds);
    const work = () => {
      const { parentPort, workerData } = require('node:worker_threads');
      const OwnStore = require(workerData.from);
      const { accessKeyId, secretAccessKey, ...dynamoConfig } = workerData.given.dynamoConfig;
      // Every second thread has its own credentials provider.
      const credentials = async () => ({ accessKeyId, secretAccessKey });
      const store = new OwnStore(workerData.number % 2 ? workerData.given : {
        ...workerData.given, dynamoConfig: { ...dynamoConfig, credentials },
      });
      store.on('conflict', () => {});
      const again = () => store.get('missing').then(again);
      for (let i = 0; i < 20; i += 1) again();
      parentPort.postMessage('under way');
    };
    const store = new Store(given);
    console.log(await grown(async () => {
      for (let left = many; left > 0; left -= 1) {
        await Promise.all([1, 2, 3, 4].map(async (number) => {
          const worker = new Worker(`(${work})()`, { eval: true, workerData: { from, given, number } });
          await new Promise((resolve, reject) => { worker.once('message', resolve).once('error', reject); });
          await delay(Math.random() * 20);
          await worker.terminate();
        }));
        await store.set('main', { left }, 60000, { ctx: {} });
      }
    }), await store.get('main'));
  }, [ROUNDS, PACKAGE, options, STRESS], COLLECTING);
  assert.deepEqual(end, clean('[] { left: 1 }\n'));
});

it('processes end as they should with hundreds of calls under way, in threads as well', async () => {
  const busy = (Store, from, given, how, ms) => {
    const store = new Store(given);
    let pending = 0;
    const call = () => {
      pending += 1;
      return store.get('missing').then(() => { pending -= 1; });
    };
    const calls = Array.from({ length: 200 }, call);
    const again = () => call().then(again);
    if (how === 'exit') {
      const { Worker } = require('node:worker_threads');
      const work = () => {
        const { workerData } = require('node:worker_threads');
        const ownStore = new (require(workerData.from))(workerData.given);
        const forEver = () => ownStore.get('missing').then(forEver);
        for (let i = 0; i < 20; i += 1) forEver();
      };
      for (let i = 0; i < 2; i += 1) new Worker(`(${work})()`, { eval: true, workerData: { from, given } }); // eslint-disable-line no-new
    }
    setTimeout(() => {
      if (how === 'exit') process.exit(pending > 0 ? 7 : 8);
      if (how === 'throw') throw new Error('of the application');
      if (how === 'reject') Promise.reject(new Error('of the application'));
    }, ms);
    if (how === 'end') Promise.all(calls).then(() => console.log(pending));
    else calls.forEach((each) => each.then(again));
  };
  const expected = {
    exit: [7, null, ''], throw: [1, null, ''], reject: [1, null, ''], end: [0, null, '0\n'],
  };
  const endsAsItShould = async ([how, wanted]) => {
    const { code, signal, stdout } = await runScript(busy, [PACKAGE, options, how, Math.random() * 100]);
    assert.deepEqual([code, signal, stdout], wanted, how);
  };
  for (let round = 0; round < 3 * STRESS; round += 1) await Promise.all(Object.entries(expected).map(endsAsItShould));
});
