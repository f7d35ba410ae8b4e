'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- each reader adds to what it is given */

/** The options of `dynamoConfig` that few applications set. The usual ones are in ./dynamo.js. */

const { check } = require('./check.js');
const { isProvider } = require('../credentials.js');
const { warnOnce } = require('../warn.js');

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_OPERATION_TIMEOUT_MS = 5000;
const DEFAULT_CONNECT_TIMEOUT_MS = 1000;

/** Without meaning here, or true of this package anyway. */
const IGNORED = new Set([
  'apiVersion', 'apiVersions', 'computeChecksums', 'dynamoDbCrc32', 'endpointCacheSize',
  'hostPrefixEnabled', 'maxRedirects', 'paramValidation', 's3BucketEndpoint',
  's3DisableBodySigning', 's3ForcePathStyle', 's3UsEast1RegionalEndpoint',
  's3UseArnRegion', 'signatureCache', 'stsRegionalEndpoints', 'token', 'tokenProvider',
  'useAccelerateEndpoint',
]);

/** Members of `params` that CreateTable takes. */
const CREATE_TABLE_PARAMS = new Set([
  'BillingMode', 'DeletionProtectionEnabled', 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes',
  'OnDemandThroughput', 'ResourcePolicy', 'SSESpecification', 'StreamSpecification', 'TableClass', 'Tags',
  'WarmThroughput',
]);

/** Members of `params` that every request of the store sets itself, or whose answer nobody sees. */
const PARAMS_WITHOUT_EFFECT = new Set([
  'TableName', 'ReturnConsumedCapacity', 'ReturnItemCollectionMetrics', 'ReturnValues', 'ProvisionedThroughput',
]);

const name = (key) => `dynamoConfig.${key}`;

function unsupported(key, why) {
  throw new RangeError(`${name(key)} is not supported: ${why}`);
}

function ignoredWith(key, why) {
  warnOnce(`koa-session-dynamodb-store: ${name(key)} has no effect: ${why}`);
}

/** Each takes the option's value and what was understood so far. */
const READERS = {
  credentials(value, out) {
    if (out.accessKeyId) return;
    if (isProvider(value)) {
      out.provider = value;
      return;
    }
    const { accessKeyId, secretAccessKey, sessionToken } = check.object(value, name('credentials'));
    if (!check.isText(accessKeyId) || !check.isText(secretAccessKey)) {
      throw new TypeError(`${name('credentials')} must have accessKeyId and secretAccessKey, or be a provider`);
    }
    Object.assign(out, { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? undefined });
  },
  credentialProvider(value, out) {
    if (!isProvider(value)) throw new TypeError(`${name('credentialProvider')} must be a credential provider chain or a function`);
    if (!out.accessKeyId) out.provider ??= value;
  },

  maxRetries(value, out) { out.maxAttempts = check.number(value, name('maxRetries'), { max: 100 }) + 1; },
  retryDelayOptions(value, out) {
    const { base, customBackoff } = check.object(value, name('retryDelayOptions'));
    if (customBackoff) unsupported('retryDelayOptions.customBackoff', 'use retryDelayOptions.base');
    if (base !== undefined) {
      out.retryBaseMs = Math.round(check.number(base, name('retryDelayOptions.base'), { max: DAY_MS, integer: false }));
    }
  },

  httpOptions(value, out) {
    const options = check.object(value, name('httpOptions'));
    const timeout = (key) => {
      const ms = options[key];
      if (ms === undefined || ms === null) return undefined;
      // 0 turns the limit off.
      return Math.round(check.number(ms, name(`httpOptions.${key}`), { max: DAY_MS, integer: false })) || DAY_MS;
    };
    out.connectTimeoutMs = timeout('connectTimeout');
    out.firstByteTimeoutMs = timeout('timeout');
    if (out.connectTimeoutMs || out.firstByteTimeoutMs) {
      // An attempt as long as was asked for must fit into the operation.
      const attempt = (out.connectTimeoutMs || DEFAULT_CONNECT_TIMEOUT_MS) + (out.firstByteTimeoutMs || 0);
      out.operationTimeoutMs = Math.max(DEFAULT_OPERATION_TIMEOUT_MS, attempt);
    }
    if (options.agent) readAgent(options.agent, out);
    if (options.proxy) out.proxy = proxyUrl(options.proxy, 'httpOptions.proxy');
  },

  correctClockSkew(value, out) { out.correctClockSkew = check.boolean(value, name('correctClockSkew')); },
  systemClockOffset(value, out) {
    out.clockOffsetMs = check.number(value, name('systemClockOffset'), { min: -(2 ** 31), max: 2 ** 31 - 1 });
  },
  signatureVersion(value) {
    if (value !== 'v4') unsupported('signatureVersion', 'requests are signed with v4');
  },
  customUserAgent(value, out) {
    check.string(value, name('customUserAgent'));
    if (/[^\x20-\x7e]/.test(value)) throw new RangeError(`${name('customUserAgent')} must be printable ASCII`);
    if (value) out.userAgentSuffix = value;
  },
  logger(value, out) {
    if (typeof value?.log !== 'function' && typeof value?.write !== 'function') {
      throw new TypeError(`${name('logger')} must have a method log or write`);
    }
    out.logger = value;
  },
  params(value, out) {
    for (const [key, param] of Object.entries(check.object(value, name('params')))) {
      if (key === 'ConsistentRead') out.consistentRead = check.boolean(param, name('params.ConsistentRead'));
      else if (CREATE_TABLE_PARAMS.has(key)) (out.createTable ??= {})[key] = param;
      else if (!PARAMS_WITHOUT_EFFECT.has(key)) ignoredWith(`params.${key}`, 'no request of the store takes it');
    }
  },

  convertResponseTypes(value) {
    if (value === false) ignoredWith('convertResponseTypes', 'responses are always converted');
  },
  endpointDiscoveryEnabled(value) {
    if (value) ignoredWith('endpointDiscoveryEnabled', 'requests go to the Region\'s endpoint');
  },
  clientSideMonitoring(value) {
    if (value) ignoredWith('clientSideMonitoring', 'it is a feature of the AWS SDK');
  },
};

/** A proxy as a URL, a string, or the parts some agents keep. */
function proxyUrl(proxy, key) {
  let url = String(proxy.href || proxy);
  if (typeof proxy === 'object' && !proxy.href) {
    const host = proxy.host || proxy.hostname;
    const auth = proxy.auth || proxy.proxyAuth;
    url = `http://${auth ? `${auth}@` : ''}${String(host).includes(':') ? `[${host}]` : host}:${proxy.port || 80}`;
  }
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(url)) url = `http://${url}`;
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:') {
    throw new RangeError(`${name(key)} must be the http:// URL of a proxy`);
  }
  return url;
}

/** What an `https.Agent`, or one of the usual proxy agents, says about connections. */
function readAgent(agent, out) {
  check.object(agent, name('httpOptions.agent'));
  const options = { ...agent.options, ...agent.connectOpts };
  if (options.rejectUnauthorized === false) {
    unsupported('httpOptions.agent', 'rejectUnauthorized: false would accept any server; trust its certificate with `ca` or NODE_EXTRA_CA_CERTS');
  }
  if (options.cert || options.key || options.pfx) unsupported('httpOptions.agent', 'DynamoDB takes no client certificates');
  const authorities = [options.ca ?? []].flat().map(String);
  if (authorities.length) out.caPem = authorities.join('\n');
  // Node's default is Infinity. The native part counts to 2^32 - 1.
  if (Number.isInteger(agent.maxSockets) && agent.maxSockets > 0) {
    out.maxConnections = Math.min(agent.maxSockets, 2 ** 32 - 1);
  }
  const proxy = agent.proxy || agent.proxyUri || agent.proxyOptions;
  if (proxy) {
    out.proxy = proxyUrl(proxy, 'httpOptions.agent');
  } else if (!isPlainAgent(agent)) {
    ignoredWith('httpOptions.agent', 'the store makes its own connections; of an agent it takes the proxy, `ca` and `maxSockets`');
  }
}

/** Node's own agents keep connections alive, as the store does: nothing is lost. */
function isPlainAgent(agent) {
  const http = require('node:http'); // eslint-disable-line global-require -- only for who sets an agent
  const https = require('node:https'); // eslint-disable-line global-require
  return [http.Agent.prototype, https.Agent.prototype].includes(Object.getPrototypeOf(agent));
}

/** Adds to `out`, after the `usual` readers, what the other options come to, and warns of unknown ones. */
function readMore(config, out, usual) {
  // In the table's order, because some rest on others.
  for (const [key, read] of Object.entries(READERS)) {
    if (config[key] !== undefined && config[key] !== null) read(config[key], out);
  }
  for (const key of Object.keys(config)) {
    if (!usual[key] && !READERS[key] && !IGNORED.has(key) && config[key] !== undefined) {
      warnOnce(`koa-session-dynamodb-store: ${name(key)} is unknown and has no effect`);
    }
  }
}

module.exports = { readMore, DEFAULT_OPERATION_TIMEOUT_MS };
