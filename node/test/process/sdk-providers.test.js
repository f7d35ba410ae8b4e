'use strict';

// Credentials providers of the AWS SDK v3, which are given what a client of the SDK gives them.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { useEngine } = require('../support/engine');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { runScript } = require('../support/subprocess');

const engine = useEngine();
const recorder = useRecorder(engine);
const NAME = unique('providers');

before(async () => {
  await recorder.started;
  await rawTable(engine.endpoint, NAME).create();
});

const scopeOf = ({ headers }) => /Credential=([^,]+),/.exec(headers.authorization)[1].split('/').filter((_, index) => index !== 1);

/** AWS STS: gives temporary keys, and notes for whom requests are signed. */
async function sts(t) {
  const scopes = [];
  const server = http.createServer((request, response) => {
    scopes.push(scopeOf(request));
    response.setHeader('content-type', 'text/xml');
    response.end(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
      <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, scopes };
}

/** Reads a session with `fromTemporaryCredentials`. */
const assumed = async (url, dynamoConfig, env = {}) => {
  recorder.reset();
  const end = await runScript(async (Store, table, config, endpoint) => {
    const { fromTemporaryCredentials } = require('@aws-sdk/credential-providers'); // eslint-disable-line global-require
    const credentials = fromTemporaryCredentials({
      masterCredentials: { accessKeyId: 'AKIDMASTER', secretAccessKey: 'secret' },
      params: { RoleArn: 'arn:aws:iam::123456789012:role/sessions' },
      clientConfig: { endpoint },
    });
    await new Store({ table: { name: table }, dynamoConfig: { ...config, credentials } }).get('id');
  }, [NAME, { endpoint: recorder.endpoint, ...dynamoConfig }, url], { env });
  assert.equal(end.code, 0, end.stderr);
  return recorder.calls.map(scopeOf);
};

describe('fromTemporaryCredentials asks STS in the Region', () => {
  const master = (region) => [['AKIDMASTER', region, 'sts', 'aws4_request']];
  const role = (region) => [['AKIDROLE', region, 'dynamodb', 'aws4_request']];

  it('of dynamoConfig', async (t) => {
    const { url, scopes } = await sts(t);
    assert.deepEqual(await assumed(url, { region: 'eu-south-1' }, { AWS_REGION: 'eu-west-1' }), role('eu-south-1'));
    assert.deepEqual(scopes, master('eu-south-1'));
  });

  for (const variable of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AMAZON_REGION']) {
    it(`of ${variable}`, async (t) => {
      const { url, scopes } = await sts(t);
      assert.deepEqual(await assumed(url, {}, { [variable]: 'eu-south-1' }), role('eu-south-1'));
      assert.deepEqual(scopes, master('eu-south-1'));
    });
  }

  it('of a profile', async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'profile-'));
    t.after(() => fs.rmSync(dir, { recursive: true }));
    const file = path.join(dir, 'config');
    fs.writeFileSync(file, '[default]\nregion = eu-south-1\n');
    const { url, scopes } = await sts(t);
    assert.deepEqual(await assumed(url, {}, { AWS_CONFIG_FILE: file }), role('eu-south-1'));
    assert.deepEqual(scopes, master('eu-south-1'));
  });
});

it('a provider of one\'s own is given the Region: one function in stores of two Regions', async () => {
  const end = await runScript(async (Store, table, endpoint) => {
    const credentials = async (given) => {
      console.log(await given.callerClientConfig.region());
      return { accessKeyId: 'AKID', secretAccessKey: 'secret' };
    };
    for (const region of ['eu-south-1', 'eu-west-1', 'eu-south-1']) {
      await new Store({ table: { name: table }, dynamoConfig: { endpoint, region, credentials } }).get('id');
    }
    // The same in the forms that other options take.
    const chain = { resolvePromise: async () => credentials };
    await new Store({ table: { name: table }, dynamoConfig: { endpoint, region: 'eu-north-1', credentialProvider: chain } }).get('id');
    await new Store({ table: { name: table }, dynamoConfig: { endpoint, region: 'eu-north-1', credentialProvider: credentials } }).get('id');
  }, [NAME, recorder.endpoint]);
  assert.equal(end.code, 0, end.stderr);
  assert.equal(end.stdout, 'eu-south-1\neu-west-1\neu-north-1\neu-north-1\n');
});
