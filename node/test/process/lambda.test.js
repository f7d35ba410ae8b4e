'use strict';

// AWS Lambda freezes a process between two requests. Its only settings are environment variables.

const assert = require('node:assert/strict');
const net = require('node:net');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { setTimeout: delay } = require('node:timers/promises');
const { before, describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const {
  PACKAGE, cleanEnv, printed, start, startScript,
} = require('../support/subprocess');

const NAME = unique('lambda');
const engine = useEngine();

before(async () => {
  await engine.started;
  await rawTable(engine.endpoint, NAME).create();
});

describe('the environment variables are enough', () => {
  const VARIABLES = {
    AWS_LAMBDA_FUNCTION_NAME: 'function',
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDLAMBDA',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
    // No home directory, and no variable that names a file instead.
    HOME: undefined,
    AWS_CONFIG_FILE: undefined,
    AWS_SHARED_CREDENTIALS_FILE: undefined,
    AWS_EC2_METADATA_DISABLED: undefined,
  };
  // The first request is made in the same turn of the event loop in which the package is loaded.
  const script = async (Store, table, endpoint) => {
    const store = new Store({ table: { name: table }, dynamoConfig: { endpoint } });
    await store.set('x', { a: 1 }, 60000, { ctx: {} });
    console.log(JSON.stringify(await store.get('x')), process.env.HOME);
  };
  const source = () => `(${script})(require(${JSON.stringify(PACKAGE)}), ${JSON.stringify(NAME)}, ${JSON.stringify(engine.endpoint)});`;
  const served = {
    code: 0, signal: null, stdout: '{"a":1} undefined\n', stderr: '',
  };

  it('without a home directory', async () => {
    const started = start(process.execPath, ['-e', source()], { cwd: '/', env: cleanEnv(VARIABLES) });
    assert.deepEqual(await started.ended, served);
  });

  // No file can be written, and the user has no name.
  const NAMESPACE = ['--user', '--map-root-user', '--mount', 'sh', '-c'];
  const READ_ONLY = 'mount -o remount,bind,ro / && ! touch /tmp/written 2>/dev/null'
    + ' && exec unshare --user --map-user=54321 "$0" "$@"';
  const can = spawnSync('unshare', [...NAMESPACE, READ_ONLY, 'true']).status === 0;

  it('on a read-only file system', { skip: can ? false : 'needs mount namespaces' }, async () => {
    const args = [...NAMESPACE, READ_ONLY, process.execPath, '-e', source()];
    const started = start('unshare', args, { cwd: '/', env: cleanEnv(VARIABLES) });
    assert.deepEqual(await started.ended, served);
  });
});

const skip = process.platform === 'win32' && 'needs SIGSTOP';

describe('a process that was frozen for a moment', { skip }, () => {
  // A proxy before the engine. `cut(how)` cuts off the open connections. Later ones are forwarded.
  const startLine = async (t) => {
    const lines = new Set();
    const line = net.createServer((socket) => {
      const target = net.connect(new URL(engine.endpoint).port, '127.0.0.1');
      [socket, target].forEach((end) => end.on('error', () => {}));
      socket.pipe(target).pipe(socket);
      lines.add({ socket, target });
    });
    line.listen(0, '127.0.0.1');
    await once(line, 'listening');
    t.after(() => {
      line.close();
      lines.forEach(({ socket, target }) => [socket, target].forEach((end) => end.destroy()));
    });
    return {
      endpoint: `http://127.0.0.1:${line.address().port}`,
      connections: () => lines.size,
      cut: (how) => lines.forEach(how),
    };
  };

  const CUTS = {
    'whose connection was closed': ({ socket }) => socket.destroy(),
    'whose connection leads nowhere': ({ socket, target }) => {
      socket.unpipe();
      target.unpipe();
      socket.resume();
      target.resume();
    },
  };
  Object.entries(CUTS).forEach(([name, how]) => {
    it(`${name}: the next request succeeds, without retries`, async (t) => {
      const line = await startLine(t);
      const started = startScript(async (Store, table, endpoint) => {
        const dynamoConfig = {
          region: 'local', endpoint, accessKeyId: 'a', secretAccessKey: 's', maxRetries: 0,
        };
        const store = new Store({ table: { name: table }, dynamoConfig });
        await store.set('frozen', { a: 1 }, 60000, { ctx: {} });
        console.log('served');
        await new Promise((resolve) => { process.once('message', resolve); });
        console.log(JSON.stringify(await store.get('frozen')), store.stats().operations.GetItem.errors);
        process.disconnect();
      }, [NAME, line.endpoint], { ipc: true });
      await printed(started, /served/);
      started.child.kill('SIGSTOP');
      line.cut(how);
      // Real time: only a connection that was idle for over a second has a shorter time limit.
      await delay(1200);
      started.child.kill('SIGCONT');
      started.child.send('go on');
      const end = await started.ended;
      assert.deepEqual([end.code, end.stderr], [0, '']);
      assert.match(end.stdout, /^served\n\{"a":1\} 0\n$/);
      assert.equal(line.connections(), 2);
    });
  });
});
