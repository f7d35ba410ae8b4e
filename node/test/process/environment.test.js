'use strict';

// A store goes by the environment of the thread that makes it, as it is then.

/* eslint-disable global-require, import/no-dynamic-require, no-new -- the scripts run on their own */

const assert = require('node:assert/strict');
const { before, beforeEach, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { useRecorder } = require('../support/recorder');
const { PACKAGE, runScript } = require('../support/subprocess');

const engine = useEngine();
const ours = useRecorder(engine);
const theirs = useRecorder(engine);
let env;

before(async () => {
  await Promise.all([ours.started, theirs.started]);
  // What the process itself has must not be asked.
  env = {
    AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: theirs.endpoint, AWS_ACCESS_KEY_ID: 'THEIRS', AWS_SECRET_ACCESS_KEY: 'secret',
  };
});

beforeEach(() => [ours, theirs].forEach((recorder) => recorder.reset()));

const own = () => ({
  AWS_REGION: 'eu-west-2', AWS_ENDPOINT_URL: ours.endpoint, AWS_ACCESS_KEY_ID: 'OURS', AWS_SECRET_ACCESS_KEY: 'secret',
});

function assertOnlyOurs(end) {
  assert.equal(end.code, 0, end.stderr);
  assert.equal(theirs.calls.length, 0, 'the other endpoint was asked');
  assert.ok(ours.calls.length > 0);
  ours.calls.forEach(({ headers }) => assert.match(headers.authorization, /Credential=OURS\/\d+\/eu-west-2\//));
}

it('a worker with an environment of its own', async () => {
  assertOnlyOurs(await runScript((Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = (path) => {
      const OwnStore = require(path);
      new OwnStore().get('a').catch(() => {});
    };
    new Worker(`(${work})(${JSON.stringify(from)})`, { eval: true, env: given });
  }, [PACKAGE, own()], { env }));
});

it('a copy in the place of process.env, as Jest has it, with values that are not text', async () => {
  assertOnlyOurs(await runScript((Store, given) => {
    process.env = {
      ...given, ODD: undefined, NUMBER: 5, toString: () => 'x',
    };
    new Store().get('a').catch(() => {});
  }, [own()], { env }));
});

it('a change before a second store of equal options counts for the second one', async () => {
  const end = await runScript(async (Store, given) => {
    const first = new Store();
    Object.assign(process.env, given);
    const second = new Store();
    await first.get('a').catch(() => {});
    await second.get('a').catch(() => {});
    await first.get('a').catch(() => {});
  }, [own()], { env });
  assert.equal(end.code, 0, end.stderr);
  assert.deepEqual([theirs.calls.length, ours.calls.length], [2, 1]);
});

it('clear() of a worker with a local Region leaves the table of the process alone', async () => {
  const local = { AWS_REGION: 'local', AWS_ENDPOINT_URL: ours.endpoint };
  const end = await runScript((Store, from, given) => {
    const { Worker } = require('node:worker_threads');
    const work = (path) => {
      const OwnStore = require(path);
      const store = new OwnStore();
      if (!store.isLocal) throw new Error('not local');
      store.clear(() => {});
    };
    new Worker(`(${work})(${JSON.stringify(from)})`, { eval: true, env: given });
  }, [`${PACKAGE}/lib/express.js`, local], { env });
  assert.equal(end.code, 0, end.stderr);
  assert.equal(theirs.calls.length, 0);
  assert.ok(ours.calls.length > 0);
});
