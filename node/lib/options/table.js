'use strict';

/**
 * The options of the constructor, a row each. Everything else about options is made of these rows: the checks at run
 * time, the native options, the names in errors of the core, and, by ../../scripts/options.js, the types and the
 * tables of docs/options.md. It is pure data, because the bundle has it as JSON. What the documentation says of each
 * row is in ./docs.js, which no running program loads.
 *
 * To add an option: its field in ../../src/options.rs, a row here, a text in ./docs.js, and `npm run options`.
 */

/**
 * @typedef {object} Row
 * @property {string | (string | false)[]} type One of ./check.js, or the list of the values an option can have.
 * @property {'ms'} [unit] Of a number.
 * @property {number} [min] Of a number. Default: 0.
 * @property {number} [max] Of a number.
 * @property {boolean} [fraction] Whether a number need not be whole.
 * @property {any} [default]
 * @property {string} [field] The option of the native store that carries the value.
 * @property {string} [tableField] The native option of the table that carries the value.
 * @property {string} [carry] How the value is converted for `field`: a name in ./check.js.
 * @property {string} [setting] The name that the core has for it, in its errors.
 * @property {string} [property] The property of the store that shows the value.
 * @property {string} [alias] An older name that is still accepted.
 * @property {boolean} [isRare] Whether ./dynamo-rare.js reads it.
 * @property {boolean} [isIgnored] Accepted because the AWS SDK has it.
 * @property {boolean} [isDecisive] Whether it decides where data go, or who may read them: see ./unknown.js.
 * @property {boolean} [isSecret] Whether the value is never printed.
 * @property {any} [members] The options inside an object.
 * @property {string[]} [fields] What an object may hold that is passed on as it is.
 */

/** What the native part can count to. */
const MOST = 2 ** 32 - 1;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * `options.table`
 *
 * @type {Record<string, Row>}
 */
const TABLE = {
  name: {
    type: 'string', default: 'sessions', field: 'tableName', setting: 'table_name', property: 'tableName', isDecisive: true,
  },
  hashKey: {
    type: 'string', default: 'sessionId', field: 'partitionKey', setting: 'partition_key', property: 'hashKey', isDecisive: true,
  },
  ttlKey: {
    type: 'string', default: 'expires', field: 'ttlAttribute', setting: 'ttl_attribute',
  },
  useTtlExpired: {
    type: 'boolean', default: true, tableField: 'useTtl', property: 'useTtlExpired',
  },
  readCapacityUnits: {
    type: 'numeric', min: 1, default: 5, tableField: 'readCapacityUnits', property: 'readCapacityUnits',
  },
  writeCapacityUnits: {
    type: 'numeric', min: 1, default: 5, tableField: 'writeCapacityUnits', property: 'writeCapacityUnits',
  },
  autoCreate: { type: 'boolean', default: false, property: 'autoCreateTable' },
  billingMode: { type: ['PROVISIONED', 'PAY_PER_REQUEST'], default: 'PROVISIONED', tableField: 'billingMode' },
  createTable: { type: 'object', tableField: 'createTable' },
};

/**
 * `options`. Adapters that read the tables of other packages have the options of ../layouts/index.js as well.
 *
 * @type {Record<string, Row>}
 */
const STORE = {
  prefix: {
    type: 'unicode', field: 'prefix', setting: 'prefix', isDecisive: true,
  },
  consistentRead: {
    type: 'boolean', default: true, field: 'consistentRead', setting: 'consistent_read',
  },
  sessionTtl: {
    type: 'number', unit: 'ms', min: 1, fraction: true, default: DAY_MS,
  },
  ttl: {
    type: 'ttl', unit: 'ms', min: 1, fraction: true,
  },
  attributes: { type: 'object', setting: 'attribute' },
  users: {
    type: 'object',
    setting: 'users',
    members: {
      of: { type: 'function' },
      max: {
        type: 'number', min: 1, max: 1000, default: 20, field: 'maxUserSessions', setting: 'max_sessions',
      },
      label: { type: 'function' },
    },
  },
  parallelChanges: {
    type: ['merge', 'overwrite'],
    default: 'merge',
    alias: 'conflict',
    field: 'overwrite',
    carry: 'isOverwrite',
    setting: 'parallel_changes',
  },
  touchAfter: {
    type: 'number', unit: 'ms', default: 0, field: 'touchAfterMs', setting: 'touch_after',
  },
  encryption: {
    type: 'object',
    setting: 'encryption',
    isDecisive: true,
    members: {
      keys: { type: 'object', field: 'encryption', isSecret: true },
      mode: { type: ['read', 'on', 'only'], default: 'on' },
      context: { type: 'unicode' },
      pad: {
        type: 'number', max: 65536, default: 0,
      },
    },
  },
  compress: { type: 'boolean', default: false, field: 'compress' },
  hashIds: {
    type: [false, 'read', 'on', 'only'],
    default: false,
    field: 'hashIds',
    carry: 'modeOf',
    setting: 'hash_ids',
    isDecisive: true,
  },
  absoluteMaxAge: {
    type: 'number', unit: 'ms', min: 1, field: 'absoluteTtlMs', setting: 'absolute_ttl',
  },
  operationTimeout: {
    type: 'number', unit: 'ms', min: 1, max: MOST, default: 5000, field: 'operationTimeoutMs', setting: 'operation_timeout',
  },
  maxConnections: {
    type: 'number', min: 1, max: MOST, default: 128, field: 'maxConnections', setting: 'max_connections',
  },
  maxQueue: {
    type: 'number', max: MOST, default: 4096, field: 'maxQueue', setting: 'max_queue',
  },
  retryBudget: {
    type: 'number', max: MOST, default: 100, field: 'retryBudget', setting: 'retry_budget',
  },
};

/**
 * `options.dynamoConfig`. The order counts: what one comes to can depend on those before it.
 *
 * @type {Record<string, Row>}
 */
const DYNAMO = {
  region: {
    type: 'string', field: 'region', setting: 'region', isDecisive: true,
  },
  endpoint: {
    type: 'string', field: 'endpointUrl', setting: 'endpoint_url', isDecisive: true,
  },
  sslEnabled: {
    type: 'boolean', default: true, field: 'tls', setting: 'tls', isDecisive: true,
  },
  useFipsEndpoint: {
    type: 'boolean', default: false, field: 'useFips', setting: 'use_fips', isDecisive: true,
  },
  useDualstackEndpoint: {
    type: 'boolean', default: false, field: 'useDualStack', setting: 'use_dual_stack', isDecisive: true,
  },
  useDualstack: { type: 'boolean', default: false, field: 'useDualStack' },
  accessKeyId: {
    type: 'string', field: 'accessKeyId', setting: 'credentials_provider', isDecisive: true, isSecret: true,
  },
  secretAccessKey: {
    type: 'string', field: 'secretAccessKey', isDecisive: true, isSecret: true,
  },
  sessionToken: {
    type: 'string', field: 'sessionToken', isDecisive: true, isSecret: true,
  },
  credentials: {
    isRare: true,
    type: 'object',
    field: 'credentialsProvider',
    isDecisive: true,
    fields: ['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiration', 'accountId', 'credentialScope', '$source'],
  },
  credentialProvider: {
    isRare: true, type: 'object', field: 'credentialsProvider', isDecisive: true,
  },
  maxRetries: {
    type: 'number', max: 100, default: 3, field: 'maxAttempts', carry: 'attemptsOf', setting: 'max_attempts',
  },
  retryDelayOptions: {
    isRare: true,
    type: 'object',
    members: {
      base: {
        type: 'number', unit: 'ms', max: DAY_MS, fraction: true, default: 25, field: 'retryBaseMs', setting: 'retry_base',
      },
    },
  },
  httpOptions: {
    isRare: true,
    type: 'object',
    members: {
      connectTimeout: {
        type: 'number', unit: 'ms', max: DAY_MS, fraction: true, default: 1000, field: 'connectTimeoutMs', setting: 'connect_timeout',
      },
      timeout: {
        type: 'number', unit: 'ms', max: DAY_MS, fraction: true, default: 1000, field: 'firstByteTimeoutMs', setting: 'first_byte_timeout',
      },
      proxy: {
        type: 'string', field: 'proxy', setting: 'proxy', isDecisive: true, isSecret: true,
      },
      agent: {
        type: 'object', field: 'caPem', setting: 'tls_roots', isDecisive: true,
      },
      xhrAsync: { type: 'boolean', isIgnored: true },
      xhrWithCredentials: { type: 'boolean', isIgnored: true },
    },
  },
  correctClockSkew: {
    type: 'boolean', default: true, field: 'correctClockSkew', setting: 'correct_clock_skew',
  },
  systemClockOffset: {
    type: 'number', unit: 'ms', min: -(2 ** 31), max: 2 ** 31 - 1, default: 0, field: 'clockOffsetMs', setting: 'clock_offset_ms',
  },
  signatureVersion: { isRare: true, type: ['v4'], default: 'v4' },
  customUserAgent: {
    isRare: true, type: 'string', field: 'userAgentSuffix', setting: 'user_agent_suffix',
  },
  logger: { isRare: true, type: 'object', field: 'logger' },
  params: { isRare: true, type: 'object' },
};

module.exports = {
  DAY_MS, DYNAMO, STORE, TABLE,
};
