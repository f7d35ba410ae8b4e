'use strict';

// The end of a process that uses the package: it ends by itself, after its calls are answered, and cleanly.

const assert = require('node:assert/strict');
const { before, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { local, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const { runScript, startScript } = require('../support/subprocess');
const useTable = require('../support/table');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'lifetime');
let options;

before(async () => {
  await recorder.started;
  options = local(recorder.endpoint, table.name);
});

const clean = (stdout) => ({
  code: 0, signal: null, stdout, stderr: '',
});

it('a script that only requires the package ends', async () => {
  assert.deepEqual(await runScript(() => console.log('end'), [], { ms: 5000 }), clean('end\n'));
});

it('a script that makes a store and does nothing with it ends', async () => {
  const end = await runScript((Store, given) => {
    global.store = new Store(given);
  }, [options], { ms: 5000 });
  assert.deepEqual(end, clean(''));
});

it('an idle store does not keep the process alive', async () => {
  const end = await runScript(async (Store, given) => {
    const store = new Store(given);
    await store.set('a', { a: 1 }, 60000, { ctx: {} });
    console.log(await store.get('a'), await store.get('b'));
    const since = performance.now();
    process.on('exit', () => {
      const ms = performance.now() - since;
      if (ms > 2000) console.log(`and then stayed for ${ms} ms`);
      global.store = store;
    });
  }, [options]);
  assert.deepEqual(end, clean('{ a: 1 } undefined\n'));
});

it('a call under way keeps the process alive until it is answered', async () => {
  recorder.reset();
  const held = recorder.hold('GetItem');
  const script = startScript((Store, given) => {
    new Store(given).get('missing').then((session) => console.log('answered', session));
  }, [options]);
  await held.arrived();
  // Without the call, the process would end now.
  const early = await Promise.race([script.ended, new Promise((resolve) => { setTimeout(resolve, 300); })]);
  assert.equal(early, undefined, 'ended before the answer');
  held.release();
  assert.deepEqual(await script.ended, clean('answered undefined\n'));
});

it('a call that fails keeps the process alive too', async () => {
  recorder.reset();
  const end = await runScript((Store, given) => {
    new Store({ ...given, dynamoConfig: { ...given.dynamoConfig, endpoint: 'http://127.0.0.1:1' } })
      .set('x', { a: 1 }, 1000, { ctx: {} }).catch((err) => console.log(err.code));
  }, [options]);
  assert.deepEqual(end, clean('NetworkingError\n'));
});

it('a creation of the table under way keeps the process alive', async () => {
  const end = await runScript((Store, given) => {
    new Store(given, (err) => console.log('created', err)); // eslint-disable-line no-new
  }, [local(recorder.endpoint, unique('created'), { table: { autoCreate: true } })]);
  assert.deepEqual(end, clean('created undefined\n'));
});

it('many calls at once are all answered', async () => {
  const end = await runScript(async (Store, given) => {
    const store = new Store(given);
    const ids = Array.from({ length: 200 }, (_, number) => `many-${number}`);
    await Promise.all(ids.map((id) => store.set(id, { id }, 60000, { ctx: {} })));
    const sessions = await Promise.all(ids.map((id) => store.get(id)));
    console.log(sessions.filter((session, number) => session.id === ids[number]).length);
  }, [local(engine.endpoint, table.name)]);
  assert.deepEqual(end, clean('200\n'));
});

it('process.exit during a request exits with its code', async () => {
  recorder.reset();
  const held = recorder.hold('GetItem');
  const script = startScript((Store, given) => {
    new Store(given).get('x').then(() => console.log('answered'), () => console.log('failed'));
    process.on('message', () => process.exit(7));
  }, [options], { ipc: true });
  await held.arrived();
  script.child.send('exit');
  const end = await script.ended;
  held.release();
  assert.deepEqual(end, { ...clean(''), code: 7 });
});

it('process.exit right after a call exits with its code', async () => {
  recorder.reset();
  for (let round = 0; round < 5; round += 1) {
    const end = await runScript((Store, given) => {
      const store = new Store(given);
      for (let i = 0; i < 20; i += 1) store.set(`exit-${i}`, { i }, 60000, { ctx: {} });
      process.exit(5);
    }, [options]);
    assert.deepEqual(end, { ...clean(''), code: 5 });
  }
});

it('a call made while the process exits does no harm', async () => {
  const end = await runScript((Store, given) => {
    const store = new Store(given);
    process.on('exit', () => { store.get('x').then(() => console.log('answered')); });
  }, [options]);
  assert.deepEqual(end, clean(''));
});

it('an uncaught exception during a request ends the process as always', async () => {
  recorder.reset();
  const held = recorder.hold('GetItem');
  const script = startScript((Store, given) => {
    new Store(given).get('x');
    process.on('message', () => { throw new Error('of the application'); });
  }, [options], { ipc: true });
  await held.arrived();
  script.child.send('throw');
  const { code, signal, stderr } = await script.ended;
  held.release();
  assert.deepEqual([code, signal], [1, null]);
  assert.match(stderr, /of the application/);
});

it('SIGTERM during a request ends the process', async () => {
  recorder.reset();
  const held = recorder.hold('GetItem');
  const script = startScript((Store, given) => { new Store(given).get('x'); }, [options]);
  await held.arrived();
  script.child.kill('SIGTERM');
  const { signal, stderr } = await script.ended;
  held.release();
  assert.deepEqual([signal, stderr], ['SIGTERM', '']);
});

it('the application gets the rejection of a call', async () => {
  const end = await runScript((Store, given) => {
    process.on('unhandledRejection', (err) => console.log('unhandled', err.message));
    new Store(given).get('x').then(() => { throw new Error('of the application'); });
  }, [options]);
  assert.deepEqual(end, clean('unhandled of the application\n'));
});

it('close waits for the calls under way', async () => {
  recorder.reset();
  const end = await runScript(async (Store, given) => {
    const store = new Store(given);
    const answered = [];
    for (let i = 0; i < 20; i += 1) store.set(`close-${i}`, { i }, 60000, { ctx: {} }).then(() => answered.push(i));
    await store.close();
    console.log(answered.length);
    await store.close();
    console.log(await store.get('close-3'));
  }, [options]);
  assert.deepEqual(end, clean('20\n{ i: 3 }\n'));
});

it('unreferenced stores are collected, calls under way are not lost', async () => {
  const end = await runScript(async (Store, given) => {
    const results = [];
    for (let i = 0; i < 50; i += 1) {
      results.push(new Store({ ...given, prefix: `gc-${i}:` }).set('x', { i }, 60000, { ctx: {} }));
      if (i % 10 === 0) global.gc();
    }
    await Promise.all(results);
    global.gc();
    console.log((await new Store({ ...given, prefix: 'gc-49:' }).get('x')).i);
  }, [options], { flags: ['--expose-gc'] });
  assert.deepEqual(end, clean('49\n'));
});
