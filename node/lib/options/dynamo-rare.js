'use strict';

/* eslint no-param-reassign: ["error", { "props": false }] -- each reader adds to what it is given */

/** How those options of `dynamoConfig` are read that few applications set. The usual ones are in ./dynamo.js. */

const http = require('node:http');
const https = require('node:https');
const {
  check, checked, isPlain, isText, refuseUnknown,
} = require('./check.js');
const { DAY_MS, DYNAMO, STORE } = require('./table.js');
const { isProvider } = require('../credentials.js');
const { warnOnce } = require('../warn.js');

/** Options of the SDK that have no meaning here, or that this package always follows. */
const IGNORED = [
  'apiVersion', 'apiVersions', 'computeChecksums', 'dynamoDbCrc32', 'endpointCacheSize',
  'hostPrefixEnabled', 'maxRedirects', 'paramValidation', 's3BucketEndpoint',
  's3DisableBodySigning', 's3ForcePathStyle', 's3UsEast1RegionalEndpoint',
  's3UseArnRegion', 'signatureCache', 'stsRegionalEndpoints', 'token', 'tokenProvider',
  'useAccelerateEndpoint',
];

/** Options of the SDK that have no effect here: the value that deserves a warning, and the reason. */
const WARNED = {
  convertResponseTypes: [false, 'responses are always converted'],
  endpointDiscoveryEnabled: [true, 'requests go to the Region\'s endpoint'],
  clientSideMonitoring: [true, 'it is a feature of the AWS SDK'],
};

/** Members of `params` that CreateTable takes. */
const CREATE_TABLE_PARAMS = new Set([
  'BillingMode', 'DeletionProtectionEnabled', 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes',
  'OnDemandThroughput', 'ResourcePolicy', 'SSESpecification', 'StreamSpecification', 'TableClass', 'Tags',
  'WarmThroughput',
]);

/** Members of `params` that every request of the store sets itself, or whose effect is not visible. */
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

/** An endpoint with the placeholders of the AWS SDK v2 filled in. */
function fillEndpoint(endpoint, scheme, region) {
  return endpoint.replaceAll('{service}', 'dynamodb').replaceAll('{scheme}', scheme).replaceAll('{region}', region);
}

/** Each takes the value of an option of ./table.js, and what was understood so far. */
const READERS = {
  credentials(value, out) {
    if (out.accessKeyId) return;
    if (isProvider(value)) {
      out.provider = value;
      return;
    }
    const { accessKeyId, secretAccessKey, sessionToken } = check.object(value, name('credentials'));
    const { fields = [] } = DYNAMO.credentials;
    refuseUnknown(value, (key) => fields.includes(key), name('credentials.'));
    if (!isText(accessKeyId) || !isText(secretAccessKey)) {
      throw new TypeError(`${name('credentials')} must have accessKeyId and secretAccessKey, or be a provider`);
    }
    Object.assign(out, { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? undefined });
  },
  credentialProvider(value, out) {
    if (!isProvider(value)) throw new TypeError(`${name('credentialProvider')} must be a credential provider chain or a function`);
    if (!out.accessKeyId) out.provider ??= value;
  },

  retryDelayOptions(value, out) {
    const { base, customBackoff } = check.object(value, name('retryDelayOptions'));
    if (customBackoff) unsupported('retryDelayOptions.customBackoff', 'use retryDelayOptions.base');
    const { members } = DYNAMO.retryDelayOptions;
    refuseUnknown(value, (key) => Object.hasOwn(members, key) || key === 'customBackoff', name('retryDelayOptions.'));
    if (base !== undefined) {
      out.retryBaseMs = Math.round(checked(base, name('retryDelayOptions.base'), members.base));
    }
  },

  httpOptions(value, out) {
    const options = check.object(value, name('httpOptions'));
    const { members } = DYNAMO.httpOptions;
    refuseUnknown(options, (key) => Object.hasOwn(members, key), name('httpOptions.'));
    const timeout = (key) => {
      const ms = options[key];
      if (ms === undefined || ms === null) return undefined;
      // 0 turns the limit off.
      return Math.round(checked(ms, name(`httpOptions.${key}`), members[key])) || DAY_MS;
    };
    out.connectTimeoutMs = timeout('connectTimeout');
    out.firstByteTimeoutMs = timeout('timeout');
    if (out.connectTimeoutMs || out.firstByteTimeoutMs) {
      // An attempt as long as was asked for must fit into the operation.
      const attempt = (out.connectTimeoutMs || members.connectTimeout.default) + (out.firstByteTimeoutMs || 0);
      out.operationTimeoutMs = Math.max(STORE.operationTimeout.default, attempt);
    }
    if (options.agent) readAgent(options.agent, out);
    if (options.proxy) out.proxy = options.proxy === 'env' ? 'env' : proxyUrl(options.proxy, 'httpOptions.proxy');
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
};

/** A proxy as a URL, a string, or the parts some agents keep. */
function proxyUrl(proxy, key) {
  let url = String(proxy.href || proxy);
  if (typeof proxy === 'object' && !proxy.href) {
    // `type` is the version of SOCKS, in socks-proxy-agent.
    if (proxy.type || !['http:', undefined, null].includes(proxy.protocol)) {
      throw new RangeError(`${name(key)} must be the http:// URL of a proxy`);
    }
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
    if (isTlsToProxy(agent)) unsupported('httpOptions.agent', 'its proxy wants TLS, and the store can use http:// proxies only');
    out.proxy = proxyUrl(proxy, 'httpOptions.agent');
  } else if (connectsItsOwnWay(agent, options)) {
    unsupported('httpOptions.agent', `the store makes its own connections, and cannot tell where this agent would connect: ${NAME_PROXY}`);
  } else if (!isPlainAgent(agent)) {
    ignoredWith('httpOptions.agent', 'the store makes its own connections; of an agent it takes the proxy, `ca` and `maxSockets`');
  }
}

const NAME_PROXY = "name its proxy in dynamoConfig.httpOptions.proxy: a URL, or 'env' for that of HTTPS_PROXY";

/** Whether the agent asks its proxy over TLS: old versions of https-proxy-agent say so, `tunnel` by its function. */
function isTlsToProxy({ secureProxy, proxyOptions, request }) {
  return secureProxy || (proxyOptions && request !== http.request);
}

/**
 * Whether an agent without a proxy that it shows may have one all the same. agent-base has such agents as proxy-agent
 * connect by a method of this name, or by a callback. Node's own can read the environment. agentkeepalive, which counts
 * its sockets, only keeps them.
 */
function connectsItsOwnWay(agent, options) {
  if (options.proxyEnv || [agent.connect, agent.callback].some((method) => typeof method === 'function')) return true;
  if (!(agent instanceof http.Agent)) return !isPlain(agent);
  const isNodes = [http.Agent, https.Agent].some((Agent) => (
    agent.createConnection === Agent.prototype.createConnection));
  return !isNodes && !('createSocketCount' in agent);
}

/** Node's own agents keep connections alive, as the store does: nothing is lost. */
const isPlainAgent = (agent) => [http.Agent.prototype, https.Agent.prototype].includes(Object.getPrototypeOf(agent));

/** Warns of options that have no effect here, and of unknown ones. */
function warnOfOthers(config) {
  for (const [key, [value, why]] of Object.entries(WARNED)) {
    if (config[key] === value || (value && config[key])) ignoredWith(key, why);
  }
  const isKnown = (key) => Object.hasOwn(DYNAMO, key) || Object.hasOwn(WARNED, key) || IGNORED.includes(key);
  refuseUnknown({ ...config }, isKnown, name(''));
}

module.exports = {
  IGNORED, READERS, WARNED, fillEndpoint, warnOfOthers,
};
