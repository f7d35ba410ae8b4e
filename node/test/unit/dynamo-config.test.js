'use strict';

// Every property of the AWS SDK v2's AWS.DynamoDB constructor, and what becomes of it.

const assert = require('node:assert/strict');
const http = require('node:http');
const https = require('node:https');
const { afterEach, describe, it } = require('node:test');
const AWS = require('aws-sdk');
const { Core } = require('../../lib/core.js');
const { readDynamoConfig } = require('../../lib/options/dynamo.js');
const { runScript } = require('../support/subprocess');
const { warningsOf } = require('../support/warnings');

const native = (config) => readDynamoConfig(config).native;

describe('honoured', () => {
  const CASES = [
    [{ region: 'eu-central-1' }, { region: 'eu-central-1' }],
    [{ region: 'fips-us-east-1' }, { region: 'us-east-1', useFips: true }],
    [{ region: 'us-gov-west-1-fips' }, { region: 'us-gov-west-1', useFips: true }],
    [{ region: null, endpoint: null, credentials: null }, {}],
    [{ region: '' }, {}],
    [{ endpoint: 'http://localhost:8000' }, { endpointUrl: 'http://localhost:8000' }],
    [{ endpoint: 'dynamodb.example.com' }, { endpointUrl: 'https://dynamodb.example.com' }],
    [{ endpoint: 'localhost:8000', sslEnabled: false }, { endpointUrl: 'http://localhost:8000', tls: false }],
    [{ endpoint: '{service}.{region}.example.com', region: 'r1' }, { endpointUrl: 'https://dynamodb.r1.example.com', region: 'r1' }],
    [{ endpoint: '{scheme}://x.example.com' }, { endpointUrl: 'https://x.example.com' }],
    [{ endpoint: new AWS.Endpoint('http://127.0.0.1:8000/path') }, { endpointUrl: 'http://127.0.0.1:8000/path' }],
    [{ useFipsEndpoint: true, useDualstackEndpoint: true }, { useFips: true, useDualStack: true }],
    [{ useDualstack: true }, { useDualStack: true }],
    [{ accessKeyId: 'a', secretAccessKey: 'b' }, { accessKeyId: 'a', secretAccessKey: 'b' }],
    [{ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' }, { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' }],
    [{ accessKeyId: 'a' }, {}],
    [{ secretAccessKey: 'b' }, {}],
    [{ credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }, { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: undefined }],
    [{ maxRetries: 0 }, { maxAttempts: 1 }],
    [{ maxRetries: 10, retryDelayOptions: { base: 50 } }, { maxAttempts: 11, retryBaseMs: 50 }],
    [{ correctClockSkew: false, systemClockOffset: -1000 }, { correctClockSkew: false, clockOffsetMs: -1000 }],
    [{ signatureVersion: 'v4' }, {}],
    [{ customUserAgent: 'my-app/1' }, { userAgentSuffix: 'my-app/1' }],
    [{ httpOptions: { agent: new https.Agent({ maxSockets: 2 ** 40 }) } }, { maxConnections: 2 ** 32 - 1 }],
    [{ httpOptions: { proxy: 'http://proxy:3128' } }, { proxy: 'http://proxy:3128' }],
    [{ httpOptions: { agent: new https.Agent({ keepAlive: true, maxSockets: 5 }) } }, { maxConnections: 5 }],
    [{ httpOptions: { agent: new http.Agent() } }, {}],
    [{ httpOptions: { agent: new https.Agent({ ca: ['A', Buffer.from('B')] }) } }, { caPem: 'A\nB' }],
    [{ httpOptions: { agent: { proxy: new URL('http://u:p@proxy:3128') } } }, { proxy: 'http://u:p@proxy:3128/' }],
    [{ httpOptions: { agent: { proxy: { host: 'proxy', port: 3128, auth: 'u:p' } } } }, { proxy: 'http://u:p@proxy:3128' }],
    [{ httpOptions: { agent: { proxyUri: 'http://proxy:1' } } }, { proxy: 'http://proxy:1' }],
  ];
  CASES.forEach(([config, expected], index) => {
    it(`${index}: ${Object.keys(config)}`, async () => {
      let read;
      const warnings = await warningsOf(() => { read = native(config); });
      const given = Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
      assert.deepEqual(given, JSON.parse(JSON.stringify(expected)));
      assert.deepEqual(warnings, []);
    });
  });

  it('httpOptions timeouts, within which an operation must fit', () => {
    const httpOptions = { connectTimeout: 2000, timeout: 120000 };
    const { connectTimeoutMs, firstByteTimeoutMs, operationTimeoutMs } = native({ httpOptions });
    assert.deepEqual([connectTimeoutMs, firstByteTimeoutMs, operationTimeoutMs], [2000, 120000, 122000]);
    assert.equal(native({ httpOptions: { timeout: 0 } }).firstByteTimeoutMs, 86400000);
    assert.equal(native({ httpOptions: { timeout: 100 } }).operationTimeoutMs, 5000);
  });

  it('params.ConsistentRead and what CreateTable takes', () => {
    const { consistentRead, createTable } = readDynamoConfig({ params: { ConsistentRead: false, Tags: [], TableName: 'x' } });
    assert.equal(consistentRead, false);
    assert.deepEqual(createTable, { Tags: [] });
  });

  it('credentials that are asked for', () => {
    const provider = async () => {};
    const instance = new AWS.Credentials('a', 'b');
    const chain = new AWS.CredentialProviderChain([]);
    assert.equal(readDynamoConfig({ credentials: provider }).provider, provider);
    assert.equal(readDynamoConfig({ credentials: instance }).provider, instance);
    assert.equal(readDynamoConfig({ credentialProvider: chain }).provider, chain);
    assert.equal(readDynamoConfig({ credentials: provider, credentialProvider: chain }).provider, provider);
    assert.equal(readDynamoConfig({ accessKeyId: 'a', secretAccessKey: 'b', credentials: provider }).provider, undefined);
  });

  it('logger', () => {
    const logger = { log() {} };
    assert.equal(readDynamoConfig({ logger }).logger, logger);
    assert.equal(readDynamoConfig({ logger: process.stdout }).logger, process.stdout);
    assert.equal(readDynamoConfig({ logger: null }).logger, undefined);
  });
});

describe('isLocal', () => {
  const { AWS_REGION } = process.env;
  afterEach(() => {
    if (AWS_REGION === undefined) delete process.env.AWS_REGION;
    else process.env.AWS_REGION = AWS_REGION;
  });

  it('is any region that contains "local"', () => {
    assert.equal(readDynamoConfig({ region: 'local' }).isLocal, true);
    assert.equal(readDynamoConfig({ region: 'us-local-1' }).isLocal, true);
    assert.equal(readDynamoConfig({ region: 'us-east-1' }).isLocal, false);
  });

  it('follows AWS_REGION', () => {
    process.env.AWS_REGION = 'localhost';
    assert.equal(readDynamoConfig().isLocal, true);
    assert.equal(readDynamoConfig({ region: 'us-east-1' }).isLocal, false);
  });
});

describe('ignored', () => {
  it('without a word', async () => {
    const config = {
      apiVersion: '2011-12-05',
      apiVersions: {},
      computeChecksums: true,
      dynamoDbCrc32: false,
      endpointCacheSize: 1,
      hostPrefixEnabled: true,
      maxRedirects: 3,
      paramValidation: false,
      s3ForcePathStyle: true,
      signatureCache: true,
      stsRegionalEndpoints: 'legacy',
      token: {},
      tokenProvider: {},
      useAccelerateEndpoint: true,
      convertResponseTypes: true,
      endpointDiscoveryEnabled: false,
      clientSideMonitoring: false,
      httpOptions: { xhrAsync: true, xhrWithCredentials: true },
      params: { TableName: 'x', ReturnConsumedCapacity: 'TOTAL' },
    };
    assert.deepEqual(await warningsOf(() => readDynamoConfig(config)), []);
  });

  const WARNED = [
    [{ convertResponseTypes: false }, /convertResponseTypes/],
    [{ endpointDiscoveryEnabled: true }, /endpointDiscoveryEnabled/],
    [{ clientSideMonitoring: true }, /clientSideMonitoring/],
    [{ params: { Nonsense: 1 } }, /params\.Nonsense/],
    [{ httpOptions: { agent: new (class Odd extends https.Agent {})() } }, /httpOptions\.agent/],
    [{ nonsense: 1 }, /nonsense/],
  ];
  WARNED.forEach(([config, message]) => {
    it(`with one warning: ${Object.keys(config)} ${message}`, async () => {
      const warnings = await warningsOf(() => {
        readDynamoConfig(config);
        readDynamoConfig(config);
      });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], message);
    });
  });

  it('with one warning: an endpoint on another host over plain http', async () => {
    const warnings = await warningsOf(() => [1, 2].forEach(() => new Core({ dynamoConfig: { endpoint: 'http://10.0.0.5:8000' } })));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /plain http/);
  });

  // Each in a process of its own: a warning comes once.
  [
    [{}, { AWS_ENDPOINT_URL: 'http://10.0.0.5' }],
    [{}, { AWS_ENDPOINT_URL_DYNAMODB: ' HTTP://10.0.0.5' }],
    [{ sslEnabled: false }, {}],
    [{ endpoint: 'HTTP://10.0.0.5' }, {}],
    [{ endpoint: ' http://10.0.0.5' }, {}],
    [{ endpoint: '10.0.0.5', sslEnabled: false }, {}],
    [{ endpoint: 'http://127.evil.example' }, {}],
    [{ endpoint: 'http://localhost.evil.example' }, {}],
  ].forEach(([dynamoConfig, env]) => {
    it(`with a warning: plain http by ${JSON.stringify({ ...dynamoConfig, ...env })}`, async () => {
      const end = await runScript((Store, given) => new Store(given), [{ dynamoConfig: { region: 'eu-west-1', ...dynamoConfig } }], { env });
      assert.equal(end.code, 0, end.stderr);
      assert.equal(end.stderr.match(/plain http/g)?.length, 1, end.stderr);
    });
  });

  ['localhost', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]'].forEach((host) => {
    it(`without a warning: plain http to ${host}`, async () => {
      assert.deepEqual(await warningsOf(() => new Core({ dynamoConfig: { endpoint: `http://${host}:8000` } })), []);
    });
  });

  it('a local engine may be anywhere, over plain http', async () => {
    const dynamoConfig = { region: 'local', endpoint: 'http://dynamodb:8000' };
    assert.deepEqual(await warningsOf(() => new Core({ dynamoConfig })), []);
  });
});

describe('refused', () => {
  const CASES = [
    [{ region: 5 }, TypeError, /region/],
    [{ endpoint: 5 }, TypeError, /endpoint/],
    [{ endpoint: 'http://' }, RangeError, /endpoint/],
    [{ endpoint: 'ftp://x' }, RangeError, /endpoint/],
    [{ accessKeyId: 5 }, TypeError, /accessKeyId/],
    [{ accessKeyId: 'a', secretAccessKey: 5 }, TypeError, /secretAccessKey/],
    [{ credentials: 'x' }, TypeError, /credentials/],
    [{ credentials: { accessKeyId: 'a' } }, TypeError, /credentials/],
    [{ credentialProvider: {} }, TypeError, /credentialProvider/],
    [{ sslEnabled: 'no' }, TypeError, /sslEnabled/],
    [{ maxRetries: -1 }, RangeError, /maxRetries/],
    [{ maxRetries: '3' }, TypeError, /maxRetries/],
    [{ retryDelayOptions: { customBackoff() {} } }, RangeError, /customBackoff/],
    [{ httpOptions: { timeout: -1 } }, RangeError, /timeout/],
    [{ httpOptions: { connectTimeout: '5' } }, TypeError, /connectTimeout/],
    [{ httpOptions: { proxy: 'https://proxy' } }, RangeError, /proxy/],
    [{ httpOptions: { agent: new https.Agent({ rejectUnauthorized: false }) } }, RangeError, /rejectUnauthorized/],
    [{ httpOptions: { agent: new https.Agent({ cert: 'x', key: 'y' }) } }, RangeError, /client certificates/],
    [{ signatureVersion: 'v2' }, RangeError, /signatureVersion/],
    [{ customUserAgent: 'a\nb' }, RangeError, /customUserAgent/],
    [{ logger: {} }, TypeError, /logger/],
    [{ params: { ConsistentRead: 1 } }, TypeError, /ConsistentRead/],
    [{ systemClockOffset: 'x' }, TypeError, /systemClockOffset/],
  ];
  CASES.forEach(([config, Type, message]) => {
    it(String(message), () => {
      assert.throws(() => readDynamoConfig(config), (error) => {
        assert.equal(error.constructor, Type);
        assert.match(error.message, /^dynamoConfig/);
        assert.match(error.message, message);
        return true;
      });
    });
  });
});
