'use strict';

// After a store is made, nothing of the addon asks for a variable of the process: the application may be changing them
// at the same moment, which is a data race in C's library. A recorder is preloaded into the process.

/* eslint-disable global-require -- the script runs on its own */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const {
  after, before, describe, it,
} = require('node:test');
const { useEngine } = require('../support/engine');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');

const NAME = unique('getenv');
const SIGNED_IN = JSON.stringify({ accessToken: 'token', expiresAt: '2100-01-01T00:00:00UTC' });
const KEYS = { AccessKeyId: 'KEY', SecretAccessKey: 's', Expiration: '2100-01-01T00:00:00Z' };
const PROCESS = JSON.stringify({ Version: 1, ...KEYS });

const ANSWERS = {
  'GET /container': JSON.stringify({ ...KEYS, Token: 't' }),
  'PUT /latest/api/token': 'token',
  'GET /latest/meta-data/iam/security-credentials/': 'role',
  'GET /latest/meta-data/iam/security-credentials/role': JSON.stringify({ ...KEYS, Token: 't' }),
  'POST /': `<Credentials><AccessKeyId>KEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
    <SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>`,
  'GET /federation/credentials': JSON.stringify({
    roleCredentials: {
      accessKeyId: 'KEY', secretAccessKey: 's', sessionToken: 't', expiration: 4102444800000,
    },
  }),
};

// By source of credentials: the files below `.aws`, and the variables.
const SOURCES = {
  'the environment': [{}, { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 's' }],
  'keys in a profile': [{ credentials: '[default]\naws_access_key_id = KEY\naws_secret_access_key = s\n' }, {}],
  'a role': [{
    config: '[default]\nrole_arn = arn:aws:iam::123456789012:role/web\nsource_profile = base\n',
    credentials: '[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n',
  }, {}],
  SSO: [{
    config: '[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n'
      + '[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = u\n',
    'sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json': SIGNED_IN,
  }, {}],
  'a process': [{ config: `[default]\ncredential_process = echo '${PROCESS}'\n` }, {}],
  'a container': [{}, (url) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` })],
  'an instance': [{}, (url) => ({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: url })],
};

// `make test-platforms` sets NO_PRELOAD where Node is emulated: the emulator would have to load the recorder, too.
const skip = process.platform === 'linux' && !process.env.NO_PRELOAD ? false : 'needs LD_PRELOAD';

describe('once a store is made, the addon asks for no variable: with credentials of', { skip }, () => {
  const engine = useEngine();
  const recorder = useRecorder(engine);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'getenv-'));
  const library = path.join(directory, 'getenv.so');
  const server = http.createServer(({ method, url }, response) => {
    response.end(ANSWERS[`${method} ${url.split('?')[0]}`]);
  });
  let services;

  before(async () => {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, path.join(__dirname, 'getenv.c'), '-ldl']);
    await recorder.started;
    await rawTable(engine.endpoint, NAME).create();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    services = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.close();
    fs.rmSync(directory, { recursive: true });
  });

  Object.entries(SOURCES).forEach(([name, [files, variables]], index) => {
    it(name, async () => {
      const home = path.join(directory, `home-${index}`);
      Object.entries(files).forEach(([file, text]) => {
        const target = path.join(home, '.aws', file);
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.writeFileSync(target, text);
      });
      const log = path.join(directory, `log-${index}`);
      const env = {
        AWS_REGION: 'eu-west-1',
        AWS_CONFIG_FILE: '',
        AWS_SHARED_CREDENTIALS_FILE: '',
        AWS_ENDPOINT_URL_SSO: services,
        AWS_ENDPOINT_URL_STS: services,
        ...(typeof variables === 'function' ? variables(services) : variables),
        HOME: home,
        CANARY: 'sings',
        GETENV_LOG: log,
        LD_PRELOAD: [process.env.LD_PRELOAD, library].filter(Boolean).join(':'),
      };
      recorder.reset();
      // The name has to be looked up.
      const endpoint = recorder.endpoint.replace('127.0.0.1', 'localhost');
      const end = await runScript(async (Store, table, url, file) => {
        const { appendFileSync } = require('node:fs');
        const store = new Store({ table: { name: table }, dynamoConfig: { endpoint: url } });
        appendFileSync(file, 'a store is made\n');
        await store.set('x', { a: 1 }, 60000, { ctx: {} });
        console.log(await store.get('x'), process.env.CANARY);
      }, [NAME, endpoint, log], { env });
      assert.deepEqual(end, {
        code: 0, signal: null, stdout: '{ a: 1 } sings\n', stderr: '',
      });
      assert.match(recorder.calls[0].headers.authorization, /Credential=KEY\//);

      const lines = fs.readFileSync(log, 'utf8').split('\n');
      const later = lines.slice(lines.indexOf('a store is made') + 1);
      assert.ok(later.some((line) => line.endsWith(' asks for CANARY')), 'the recorder does not record');
      assert.deepEqual(later.filter((line) => line.includes('.node asks for ')), []);
    });
  });
});
