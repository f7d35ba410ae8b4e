'use strict';

/**
 * What `dynamoConfig` comes to: the options of the AWS SDK v2's `AWS.DynamoDB`. How the less usual ones are read is in
 * ./dynamo-rare.js, which is loaded when one of them is given.
 */
/* eslint no-param-reassign: ["error", { "props": false }] -- each reader adds to what it is given */
/* eslint global-require: "off" -- see above */

const {
  carried, check, checked, isPlain, isText,
} = require('./check.js');
const { DYNAMO } = require('./table.js');

const ofDynamo = (key) => `dynamoConfig.${key}`;

/**
 * A copy of this thread's environment, which the native part goes by. It may not be the process's own: a worker can
 * have another one, and Jest has a copy. Reading the process's own is a data race with assignments to `process.env`.
 */
function captured() {
  const environment = /** @type {Record<string, string>} */ ({});
  for (const [name, value] of Object.entries(process.env)) {
    // A copy can hold anything.
    if (typeof value === 'string') environment[name] = value;
  }
  return environment;
}

const regionOf = (environment) => environment.AWS_REGION || environment.AMAZON_REGION || environment.AWS_DEFAULT_REGION;

/**
 * The readers of the usual options that are more than a value to pass on. Each takes the option's value, what was
 * understood so far, and the whole `dynamoConfig`.
 */
const USUAL = {
  region(value, out) {
    check.string(value, ofDynamo('region'));
    // How SDK v2 spells FIPS before it had an option for it.
    const region = value.includes('fips') ? value.replace(/^fips-|-fips$/g, '') : value;
    if (region !== value) out.useFips = true;
    if (region) out.region = region;
  },

  endpoint(value, out, { sslEnabled, region }) {
    // A string, or an AWS.Endpoint.
    const given = typeof value === 'object' ? value.href : value;
    check.string(given, ofDynamo('endpoint'));
    if (!given) return;
    const scheme = sslEnabled === false ? 'http' : 'https';
    const filled = given.includes('{') ? rare().fillEndpoint(given, scheme, region || regionOf(process.env) || '') : given;
    const url = filled.includes('://') ? filled : `${scheme}://${filled}`;
    // No regular expression and no `new URL`: at a cold start the first of each takes a fifth of a millisecond.
    if (!URL.canParse(url)) throw new RangeError(`${ofDynamo('endpoint')} must be a URL or a host name`);
    if (!['http', 'https'].includes(url.slice(0, url.indexOf(':')).trim().toLowerCase())) {
      throw new RangeError(`${ofDynamo('endpoint')} must be an http or https URL`);
    }
    out.endpointUrl = url;
  },

  useFipsEndpoint(value, out) { out.useFips = check.boolean(value, ofDynamo('useFipsEndpoint')) || out.useFips; },
  useDualstack(value, out) { out.useDualStack ??= check.boolean(value, ofDynamo('useDualstack')); },

  accessKeyId(value, out, { secretAccessKey, sessionToken }) {
    check.string(value, ofDynamo('accessKeyId'));
    // As in SDK v2, half a pair is ignored, and the next source is asked.
    if (!isText(value) || !isText(secretAccessKey)) return;
    out.accessKeyId = value;
    out.secretAccessKey = secretAccessKey;
    if (isText(sessionToken)) out.sessionToken = sessionToken;
  },
  secretAccessKey(value) { check.string(value, ofDynamo('secretAccessKey')); },
  sessionToken(value) { check.string(value, ofDynamo('sessionToken')); },
};

const rare = () => require('./dynamo-rare.js');

/** `dynamoConfig`, sorted by who needs it: `native` options, and those for JavaScript. */
function readDynamoConfig(config = {}) {
  check.object(config, 'dynamoConfig');
  // Clients of v3, of v2, and the DocumentClient of v2, in which is one.
  if ([config.send, config.makeRequest, config.service?.makeRequest].some((call) => typeof call === 'function')) {
    throw new RangeError('dynamoConfig must hold settings, not be a client of the AWS SDK: write dynamoConfig.region, dynamoConfig.endpoint and dynamoConfig.credentials');
  }
  const out = /** @type {Record<string, any>} */ ({});
  for (const key of Object.keys(DYNAMO)) {
    const row = DYNAMO[key];
    const value = config[key];
    if (value !== undefined && value !== null) {
      const reader = (row.isRare ? rare().READERS : USUAL)[key];
      if (reader) reader(value, out, config);
      else if (row.field) out[row.field] = carried(checked(value, ofDynamo(key), row), row);
    }
  }
  if (!isPlain(config) || Object.keys(config).some((key) => !Object.hasOwn(DYNAMO, key))) rare().warnOfOthers(config);
  const {
    provider, logger, consistentRead, createTable, ...native
  } = out;
  const environment = captured();
  const region = native.region || regionOf(environment) || undefined;
  return {
    native, environment, region, provider, logger, consistentRead, createTable, isLocal: !!region?.includes('local'),
  };
}

module.exports = { readDynamoConfig };
