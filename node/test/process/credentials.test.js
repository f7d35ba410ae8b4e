'use strict';

// The sources of credentials and of the Region, and the errors if they are missing. Each test runs in a process of its
// own, which cannot see the developer's own account.

/* eslint-disable global-require -- the scripts run on their own */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs/promises');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');
const timeLimit = require('../support/time-limit');

const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('credentials');

before(async () => {
  await recorder.started;
  await rawTable(engine.endpoint, NAME).create();
});

const clean = (stdout) => ({
  code: 0, signal: null, stdout, stderr: '',
});

// The access key, the Region and the token of a request's signature.
const signer = ({ headers }) => {
  const [, key, date, region, service] = /Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request/.exec(headers.authorization);
  assert.match(date, /^\d{8}$/);
  assert.equal(service, 'dynamodb');
  return [key, region, headers['x-amz-security-token']];
};

// Makes a store with `dynamoConfig`, calls set and get, and prints the results.
const use = (dynamoConfig, env, more) => {
  recorder.reset();
  return runScript(async (Store, table, config) => {
    const store = new Store({ table: { name: table }, dynamoConfig: config });
    const described = (err) => `${err.name} ${err.code} ${err.retryable}`;
    console.log(await store.set('x', { a: 1 }, 60000, { ctx: {} }).then(() => 'set', described));
    console.log(await store.get('x').then((session) => JSON.stringify(session), (err) => `${err.message} ${err.code}`));
  }, [NAME, dynamoConfig], { env, ...more });
};

// Checks who signed all requests, and that there is at least one.
const assertSigned = (key, region, token) => {
  assert.ok(recorder.calls.length > 0);
  recorder.calls.forEach((call) => assert.deepEqual(signer(call), [key, region, token]));
};

const SERVED = clean('set\n{"a":1}\n');

describe('the environment', () => {
  it('as Lambda sets it', async () => {
    const end = await use({ endpoint: recorder.endpoint }, {
      AWS_ACCESS_KEY_ID: 'AKIDLAMBDA',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'token of the role',
      AWS_REGION: 'eu-central-1',
      AWS_LAMBDA_FUNCTION_NAME: 'function',
    });
    assert.deepEqual(end, SERVED);
    assertSigned('AKIDLAMBDA', 'eu-central-1', 'token of the role');
  });

  it('without a token', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIDPLAIN', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' };
    assert.deepEqual(await use({ endpoint: recorder.endpoint }, env), SERVED);
    assertSigned('AKIDPLAIN', 'us-east-1', undefined);
  });

  it('with the prefix AMAZON_, as the AWS SDK v2 had it', async () => {
    const env = { AMAZON_ACCESS_KEY_ID: 'AKIDAMAZON', AMAZON_SECRET_ACCESS_KEY: 'secret', AMAZON_REGION: 'us-west-2' };
    assert.deepEqual(await use({ endpoint: recorder.endpoint }, env), SERVED);
    assert.deepEqual(signer(recorder.calls[0]), ['AKIDAMAZON', 'us-west-2', undefined]);
  });

  it('yields to dynamoConfig', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' };
    const end = await use({
      endpoint: recorder.endpoint, accessKeyId: 'AKIDOWN', secretAccessKey: 'secret', region: 'eu-west-1',
    }, env);
    assert.deepEqual(end, SERVED);
    assert.deepEqual(signer(recorder.calls[0]), ['AKIDOWN', 'eu-west-1', undefined]);
  });

  it('is not read for a local Region, so that real credentials are not sent', async () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIDREAL', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'real token', AWS_REGION: 'us-east-1',
    };
    assert.deepEqual(await use({ region: 'local', endpoint: recorder.endpoint }, env), SERVED);
    recorder.calls.forEach((call) => {
      const [key, , token] = signer(call);
      assert.notEqual(key, 'AKIDREAL');
      assert.match(key, /^[A-Za-z0-9]+$/, 'DynamoDB Local takes no other');
      assert.equal(token, undefined);
    });
  });
});

describe('files', () => {
  // Writes files below a directory of the test's own, for HOME.
  const homeWith = async (t, files) => {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'profile-'));
    t.after(() => fs.rm(home, { recursive: true }));
    await Promise.all(Object.entries(files).map(async ([name, text]) => {
      await fs.mkdir(path.dirname(path.join(home, name)), { recursive: true });
      await fs.writeFile(path.join(home, name), text);
    }));
    // The files are where the AWS CLI has them.
    return {
      HOME: home, USERPROFILE: home, AWS_CONFIG_FILE: '', AWS_SHARED_CREDENTIALS_FILE: '',
    };
  };
  const keys = (profile, key) => `[${profile}]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`;

  it('a profile: its credentials and its Region', async (t) => {
    const env = await homeWith(t, {
      '.aws/config': '[profile web]\nregion = ap-southeast-2\n',
      '.aws/credentials': keys('web', 'AKIDPROFILE'),
    });
    assert.deepEqual(await use({ endpoint: recorder.endpoint }, { ...env, AWS_PROFILE: 'web' }), SERVED);
    assertSigned('AKIDPROFILE', 'ap-southeast-2', undefined);
  });

  const skip = process.platform === 'win32' && 'needs sh';

  it('a program, which gets the environment as it was when the store was made', { skip }, async (t) => {
    const env = await homeWith(t, {
      '.aws/config': '[default]\nregion = eu-west-1\ncredential_process = sh -c \'. "$HOME/give"\'\n',
      give: 'echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"$GIVEN\\",\\"SecretAccessKey\\":\\"s\\"}"',
    });
    recorder.reset();
    const end = await runScript(async (Store, table, endpoint) => {
      process.env.GIVEN = 'AKIDBEFORE';
      const store = new Store({ table: { name: table }, dynamoConfig: { endpoint } });
      process.env.GIVEN = 'AKIDAFTER';
      await store.set('x', { a: 1 }, 60000, { ctx: {} });
    }, [NAME, recorder.endpoint], { env });
    assert.deepEqual(end, clean(''));
    assertSigned('AKIDBEFORE', 'eu-west-1', undefined);
  });

  it('`aws login`: the error says what to use', async (t) => {
    const env = await homeWith(t, { '.aws/config': '[default]\nregion = eu-west-1\nlogin_session = arn:aws:iam::1:user/me\n' });
    const end = await runScript(async (Store, table, endpoint) => {
      const store = new Store({ table: { name: table }, dynamoConfig: { endpoint } });
      await store.set('x', {}, 60000, { ctx: {} }).catch((err) => console.log(err.code, err.message));
    }, [NAME, recorder.endpoint], { env });
    assert.match(end.stdout, /^CredentialsError .*credential_process = aws configure export-credentials --profile NAME/);
    assert.doesNotMatch(end.stdout, /cargo|Rust/);
  });

  ['ExpiredTokenException', 'UnrecognizedClientException'].forEach((code) => {
    it(`keys that are rewritten: the second attempt after ${code} has the new ones`, async (t) => {
      const env = await homeWith(t, { '.aws/credentials': keys('default', 'AKIDOLD') });
      const file = path.join(env.HOME, '.aws/credentials');
      const end = await runScript(async (Store, table, endpoint) => {
        const store = new Store({ table: { name: table }, dynamoConfig: { region: 'us-east-1', endpoint } });
        await store.set('rewritten', { a: 1 }, 60000, { ctx: {} });
        process.send('rewrite');
        await new Promise((resolve) => { process.once('message', resolve); });
        console.log(await store.get('rewritten'));
        process.disconnect();
      }, [NAME, recorder.endpoint], {
        env,
        ipc: true,
        onMessage: async (child) => {
          await fs.writeFile(file, keys('default', 'AKIDNEW'));
          recorder.reset();
          recorder.answer('GetItem', failure(code, 'The security token included in the request is refused'), 1);
          child.send('rewritten');
        },
      });
      assert.deepEqual(end, clean('{ a: 1 }\n'));
      assert.deepEqual(recorder.only('GetItem').map((call) => signer(call)[0]), ['AKIDOLD', 'AKIDNEW']);
    });
  });
});

// Each provider has its tests in Rust. These show that providers work in a Node process.
describe('services', () => {
  const serve = async (t, answer) => {
    const asked = [];
    const server = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        asked.push({ url: request.url, headers: request.headers, body: String(Buffer.concat(chunks)) });
        response.end(answer);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return { asked, url: `http://127.0.0.1:${server.address().port}` };
  };

  it('a container: one request for two calls', async (t) => {
    const { asked, url } = await serve(t, JSON.stringify({
      AccessKeyId: 'AKIDTASK', SecretAccessKey: 's', Token: 'of the task', Expiration: '2100-01-01T00:00:00Z',
    }));
    const env = { AWS_REGION: 'us-east-1', AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'mine' };
    assert.deepEqual(await use({ endpoint: recorder.endpoint }, env), SERVED);
    assertSigned('AKIDTASK', 'us-east-1', 'of the task');
    assert.deepEqual(asked.map((request) => [request.url, request.headers.authorization]), [['/credentials', 'mine']]);
  });

  it('STS, for a web identity', async (t) => {
    const { asked, url } = await serve(t, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials>
        <AccessKeyId>AKIDPOD</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>of the pod</SessionToken>
        <Expiration>2100-01-01T00:00:00Z</Expiration>
      </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`);
    const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'identity-'));
    t.after(() => fs.rm(directory, { recursive: true }));
    const token = path.join(directory, 'token');
    await fs.writeFile(token, 'header.payload.signature');
    const env = {
      AWS_REGION: 'us-east-1',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/web',
      AWS_ENDPOINT_URL_STS: url,
    };
    assert.deepEqual(await use({ endpoint: recorder.endpoint }, env), SERVED);
    assertSigned('AKIDPOD', 'us-east-1', 'of the pod');
    assert.deepEqual(asked.map(({ body }) => new URLSearchParams(body).get('WebIdentityToken')), ['header.payload.signature']);
  });
});

describe('missing settings', () => {
  it('no Region: the constructor succeeds, calls fail with ConfigError', async () => {
    const end = await use({ accessKeyId: 'AKID', secretAccessKey: 'secret' });
    assert.deepEqual(end, clean('ConfigError ConfigError false\nUnable to get session. ConfigError\n'));
  });

  it('no credentials: the constructor succeeds, calls fail with CredentialsError, soon', async () => {
    const end = await use({ region: 'us-east-1', endpoint: recorder.endpoint }, {}, { ms: 12000 });
    assert.equal(end.code, 0);
    assert.match(end.stdout, /^CredentialsError CredentialsError (true|false)\nUnable to get session\. CredentialsError\n$/);
    assert.equal(end.stderr, '');
    assert.deepEqual(recorder.operations(), []);
  });

  it('no options at all: the same', async () => {
    const end = await runScript(async (Store) => {
      await new Store().get('x').catch((err) => console.log(err.code));
      await new Store({}).set('x', {}, 1000, { ctx: {} }).catch((err) => console.log(err.code));
      await new Store({ dynamoConfig: {} }).destroy('x').catch((err) => console.log(err.code));
    }, []);
    assert.deepEqual(end, clean('ConfigError\nConfigError\nConfigError\n'));
  });
});

// Makes twenty calls at once and `rounds` more, in a process of its own. `body(asked, limit)` makes the `dynamoConfig`.
// Its provider records each of its calls in `asked`; `limit` is time-limit.js. Prints the results, and how often the
// provider was called.
const withProvider = (body, more = {}) => {
  recorder.reset();
  const script = async (Store, table, endpoint, source, factor) => {
    const asked = [];
    process.on('unhandledRejection', (err) => console.log('unhandled', err.message));
    const { rounds = 0, operationTimeout, ...config } = (0, eval)(`(${source})`)(asked, (ms) => ms * factor); // eslint-disable-line no-eval
    const dynamoConfig = { region: 'us-east-1', endpoint, ...config };
    const store = new Store({ table: { name: table }, operationTimeout, dynamoConfig });
    const described = (err) => `${err.code} ${err.cause?.message ?? ''} ${err.cause?.cause?.message ?? ''}`.trim();
    const calls = Array.from({ length: 20 }, (_, i) => store.set(`p-${i}`, { i }, 60000, { ctx: {} }));
    const results = await Promise.allSettled(calls);
    const failed = results.find(({ reason }) => reason);
    console.log(failed ? described(failed.reason) : 'set');
    for (let i = 0; i < rounds; i += 1) await store.get('p-1').then(() => {}, (err) => console.log(described(err)));
    console.log('asked', asked.length);
  };
  return runScript(script, [NAME, recorder.endpoint, String(body), timeLimit(1)], more);
};

describe('credentials given as', () => {
  it('an object', async () => {
    const end = await withProvider(() => ({
      credentials: { accessKeyId: 'AKIDOBJECT', secretAccessKey: 's', sessionToken: 't' },
    }));
    assert.deepEqual(end, clean('set\nasked 0\n'));
    assertSigned('AKIDOBJECT', 'us-east-1', 't');
  });

  it('an async function: called once for all waiting calls', async () => {
    const end = await withProvider((asked) => ({
      rounds: 3,
      credentials: async () => {
        asked.push(1);
        return { accessKeyId: 'AKIDASYNC', secretAccessKey: 's', sessionToken: 't' };
      },
    }));
    assert.deepEqual(end, clean('set\nasked 1\n'));
    assertSigned('AKIDASYNC', 'us-east-1', 't');
  });

  it('an async function whose credentials expire: called again', async () => {
    const end = await withProvider((asked) => ({
      rounds: 3,
      credentials: async () => {
        asked.push(1);
        return {
          accessKeyId: `AKID${asked.length}`, secretAccessKey: 's', expiration: new Date(Date.now() - 1000),
        };
      },
    }));
    assert.match(end.stdout, /^set\nasked [4-9]\n$|^set\nasked \d\d\n$/);
    assert.equal(end.code, 0);
    assert.equal(end.stderr, '');
    assert.ok(new Set(recorder.calls.map((call) => signer(call)[0])).size > 1);
  });

  it('an async function whose credentials do not expire soon: not called again', async () => {
    const end = await withProvider((asked) => ({
      rounds: 3,
      credentials: async () => {
        asked.push(1);
        return { accessKeyId: 'AKIDLATER', secretAccessKey: 's', expiration: new Date(Date.now() + 3600000) };
      },
    }));
    assert.deepEqual(end, clean('set\nasked 1\n'));
  });

  it('AWS.Credentials of the AWS SDK v2', async () => {
    const end = await withProvider(() => {
      const { Credentials } = require('aws-sdk/lib/core');
      return { credentials: new Credentials('AKIDV2', 's', 't') };
    }, { env: { AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' } });
    assert.deepEqual(end, clean('set\nasked 0\n'));
    assert.deepEqual(signer(recorder.calls[0]), ['AKIDV2', 'us-east-1', 't']);
  });

  it('credentials of the AWS SDK v2 that refresh themselves', async () => {
    const end = await withProvider((asked) => {
      const AWS = require('aws-sdk/lib/core');
      class Refreshing extends AWS.Credentials {
        constructor() {
          super('AKIDOLD', 's');
          this.expired = true;
        }

        refresh(callback) {
          asked.push(1);
          this.accessKeyId = `AKIDNEW${asked.length}`;
          this.expired = false;
          callback();
        }
      }
      return { credentials: new Refreshing() };
    }, { env: { AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' } });
    assert.deepEqual(end, clean('set\nasked 1\n'));
    assertSigned('AKIDNEW1', 'us-east-1', undefined);
  });

  it('CredentialProviderChain of the AWS SDK v2', async () => {
    const end = await withProvider((asked) => {
      const AWS = require('aws-sdk/lib/core');
      const chain = new AWS.CredentialProviderChain([() => {
        asked.push(1);
        return new AWS.Credentials('AKIDCHAIN', 's');
      }]);
      return { credentialProvider: chain };
    }, { env: { AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' } });
    assert.deepEqual(end, clean('set\nasked 1\n'));
    assert.equal(signer(recorder.calls[0])[0], 'AKIDCHAIN');
  });
});

describe('a provider that', () => {
  const CASES = {
    rejects: [(asked) => ({
      credentials: async () => {
        asked.push(1);
        throw new Error('of the provider');
      },
    }), /^CredentialsError .*of the provider/],
    throws: [() => ({ credentials: () => { throw new Error('of the provider'); } }), /^CredentialsError .*of the provider/],
    'rejects with nothing': [() => ({ credentials: () => Promise.reject() }), /^CredentialsError/], // eslint-disable-line prefer-promise-reject-errors
    'gives nothing': [() => ({ credentials: async () => undefined }), /^CredentialsError/],
    'gives half of it': [() => ({ credentials: async () => ({ accessKeyId: 'AKID' }) }), /^CredentialsError/],
    'gives something else': [() => ({ credentials: async () => ({ accessKeyId: 5, secretAccessKey: {} }) }), /^CredentialsError/],
    'gives a token that is no text': [() => ({
      credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: 'hunter2', sessionToken: 5 }),
    }), /^CredentialsError .*sessionToken/],
    'gives an expiration that is no time': [() => ({
      credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: 'hunter2', expiration: 'soon' }),
    }), /^CredentialsError .*expiration/],
    'gives a key that cannot be sent': [() => ({
      credentials: async () => ({ accessKeyId: 'AK\nID', secretAccessKey: 'hunter2' }),
    }), /^CredentialsError/],
    'gives a token that cannot be sent': [() => ({
      credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: 'hunter2', sessionToken: 'hunter2\r\nx: y' }),
    }), /^CredentialsError/],
    'gives what throws when it is read': [() => ({
      credentials: async () => ({ get accessKeyId() { throw new Error('of the getter'); } }),
    }), /^CredentialsError .*of the getter/],
    'gives what answers for ever': [() => ({
      credentials: () => { const never = { then() {} }; return never; },
      operationTimeout: 500,
    }), /^(CredentialsError|TimeoutError)/],
    'never answers': [() => ({ credentials: () => new Promise(() => {}) }), /^(CredentialsError|TimeoutError)/],
  };
  Object.entries(CASES).forEach(([name, [body, expected]]) => {
    it(`${name}: CredentialsError, no unhandled rejection, no request`, async () => {
      const end = await withProvider(body, { ms: 15000 });
      assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
      assert.match(end.stdout, expected);
      assert.doesNotMatch(end.stdout, /unhandled|hunter2/);
      assert.deepEqual(recorder.operations(), []);
    });
  });

  it('fails at first: the next call of the store calls it again', async () => {
    const end = await withProvider((asked) => ({
      rounds: 1,
      credentials: async () => {
        asked.push(1);
        if (asked.length === 1) throw new Error('not yet');
        return { accessKeyId: 'AKIDSECOND', secretAccessKey: 's' };
      },
    }));
    assert.deepEqual([end.code, end.stderr], [0, '']);
    assert.equal(signer(recorder.calls.at(-1))[0], 'AKIDSECOND');
  });

  const lateOnce = new RegExp(`^CredentialsError .*did not answer within ${timeLimit(450)} ms\nasked 2\n$`);

  it('hangs once: is called again, and the call succeeds', async () => {
    const end = await withProvider((asked, limit) => ({
      rounds: 1,
      operationTimeout: limit(500),
      credentials: () => {
        asked.push(1);
        if (asked.length === 1) return new Promise(() => {});
        return Promise.resolve({ accessKeyId: 'AKIDAWAKE', secretAccessKey: 's' });
      },
    }));
    assert.match(end.stdout, lateOnce);
    assert.deepEqual([end.code, end.stderr], [0, '']);
    assertSigned('AKIDAWAKE', 'us-east-1', undefined);
  });

  it('is slower than the timeout of calls: its answer is used when it comes', async () => {
    const end = await withProvider((asked, limit) => ({
      rounds: 1,
      operationTimeout: limit(500),
      credentials: () => {
        asked.push(1);
        // The first answer comes while the second call has no answer.
        if (asked.length > 1) return new Promise(() => {});
        return new Promise((resolve) => {
          setTimeout(() => resolve({ accessKeyId: 'AKIDSLOW', secretAccessKey: 's' }), limit(600));
        });
      },
    }));
    assert.match(end.stdout, lateOnce);
    assert.deepEqual([end.code, end.stderr], [0, '']);
    assertSigned('AKIDSLOW', 'us-east-1', undefined);
  });

  it('gives credentials that end while requests are under way: no call fails', async () => {
    recorder.reset();
    const end = await runScript(async (Store, table, endpoint) => {
      let asked = 0;
      // Credentials are used until ten seconds before they expire, so each of these for a tenth of a second.
      const credentials = async () => {
        asked += 1;
        const accessKeyId = `AKID${asked}`;
        await new Promise((resolve) => { setTimeout(resolve, 20); });
        return { accessKeyId, secretAccessKey: 's', expiration: new Date(Date.now() + 10100) };
      };
      const store = new Store({ table: { name: table }, dynamoConfig: { region: 'us-east-1', endpoint, credentials } });
      let calls = 0;
      const load = async () => {
        while (asked < 6 || calls < 60) {
          await store.get('rotating');
          calls += 1;
        }
      };
      await Promise.all(Array.from({ length: 10 }, load));
      const { retries } = store.stats();
      console.log(retries, asked >= 6);
    }, [NAME, recorder.endpoint]);
    assert.deepEqual(end, clean('0 true\n'));
    const keys = new Set(recorder.calls.map((call) => signer(call)[0]));
    assert.ok(keys.size >= 5, [...keys].join());
  });

  it('gave credentials that the service calls expired: called once more, and the call succeeds', async () => {
    const end = await runScript(async (Store, table, endpoint) => {
      let asked = 0;
      const credentials = async () => {
        asked += 1;
        return { accessKeyId: `AKID${asked}`, secretAccessKey: 's', sessionToken: 't' };
      };
      const store = new Store({ table: { name: table }, dynamoConfig: { region: 'us-east-1', endpoint, credentials } });
      await store.set('expired', { a: 1 }, 60000, { ctx: {} });
      process.send('expire');
      await new Promise((resolve) => { process.once('message', resolve); });
      console.log(await store.get('expired'), asked);
      process.disconnect();
    }, [NAME, recorder.endpoint], {
      ipc: true,
      onMessage: (child) => {
        recorder.reset();
        recorder.answer('GetItem', failure('ExpiredTokenException', 'The security token included in the request is expired'), 1);
        child.send('expired');
      },
    });
    assert.deepEqual(end, clean('{ a: 1 } 2\n'));
    assert.deepEqual(recorder.only('GetItem').map((call) => signer(call)[0]), ['AKID1', 'AKID2']);
  });
});
