'use strict';

const { isOption, optionOf } = require('./options/setting.js');

/**
 * The `code` of an error for which the service gave no name. They differ from the codes of system errors: Express and
 * Fastify read `ENOENT` as a missing session.
 */
const CODES = {
  Config: 'ConfigError',
  Credentials: 'CredentialsError',
  AccessDenied: 'AccessDeniedException',
  TableNotFound: 'ResourceNotFoundException',
  InvalidId: 'InvalidIdError',
  ItemTooLarge: 'ItemTooLargeError',
  InvalidData: 'InvalidSessionError',
  InvalidMaxAge: 'InvalidMaxAgeError',
  Throttled: 'ThrottlingException',
  Overloaded: 'OverloadedError',
  Timeout: 'TimeoutError',
  Transport: 'NetworkingError',
  Decode: 'UnreadableAnswerError',
  UnknownKey: 'UnknownKeyError',
  Decryption: 'DecryptionError',
  PlaintextRefused: 'PlaintextRefusedError',
  KeyProvider: 'KeyProviderError',
  Service: 'ServiceError',
  Internal: 'InternalError',
};

/** Kinds of failures whose code is ours also when the service finds out what the store did not. */
const OURS = ['Config', 'InvalidId', 'ItemTooLarge', 'InvalidData'];

/** What the native part says in place of a name the service did not give: `statusCode` has it as well. */
const HTTP_STATUS = /^Http\d+$/;

/** What to do next, by the core's name for it. */
const REMEDIES = {
  SetRegion: 'set dynamoConfig.region, AWS_REGION, or `region` in the AWS profile',
  ExtendPolicy: 'extend the IAM policy by the action and table named',
  CreateTable: 'create the table: autoCreate, createTableIfDontExists(), or `dynamodb-session table create`',
  CorrectPartitionKey: 'set table.hashKey to the partition key of the table, or name another table in table.name; '
    + 'a sort key is not supported',
  RaiseWriteCapacity: 'raise the write capacity of the table, or call again later to continue',
  StoreLess: 'store less in the session, or keep large values elsewhere and their keys in it',
  SetEncryptionKey: 'give the store the key in encryption.keys; without it the session cannot be read',
  RestoreSealedSession: 'restore the key and encryption.context; if the item was changed in the table, destroy the session, '
    + 'which signs the visitor out',
  RestoreUserSecret: 'restore the key and encryption.context; if the item whose key ends in u1.key was changed in the '
    + 'table, restore it from a backup, or delete it: a process that knows the secret stores it again within the hour, and '
    + 'otherwise users\' sessions from before are no longer found',
  AcceptPlainSessions: 'use encryption.mode \'on\' until all sessions are encrypted',
  ReduceLoad: 'DynamoDB or the network is slower than calls come in: look there first, '
    + 'then at the options maxConnections and maxQueue',
  SetCredentials: 'set dynamoConfig.credentials, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or an AWS profile',
  SignIn: 'sign in: aws sso login',
  DisableInstanceMetadata: 'set AWS_EC2_METADATA_DISABLED=true where there is no EC2 instance metadata',
  RenewCredentials: 'the session token has expired: renew the credentials',
  SetClock: 'set the host\'s clock',
  CheckSignature: 'check the secret access key, the Region and the host\'s clock',
  CheckAccessKey: 'check the access key, the session token, and that they are for this endpoint',
  CheckEndpoint: 'check dynamoConfig.endpoint, and that no proxy or sign-in page stands before it',
  CheckEndpointTls: 'check the endpoint: something else than TLS is spoken there',
  CheckEndpointHost: 'check the endpoint: its certificate is for another host',
  TrustAuthority: 'trust the authority of the server\'s certificate, by NODE_EXTRA_CA_CERTS, AWS_CA_BUNDLE or the `ca` '
    + 'of dynamoConfig.httpOptions.agent, if the endpoint is the right one',
  RenewCertificate: 'renew the server\'s certificate, or set this host\'s clock',
  ReplaceCertificate: 'replace the server\'s certificate',
  CheckProxy: 'check the URL in dynamoConfig.httpOptions.proxy (`env`: in HTTPS_PROXY), and that an HTTP proxy runs there',
  CorrectProxyPassword: 'correct the user and the password in dynamoConfig.httpOptions.proxy (`env`: in HTTPS_PROXY)',
  AddProxyPassword: 'add them to dynamoConfig.httpOptions.proxy (`env`: to HTTPS_PROXY): http://user:password@host:port',
  AllowInProxy: 'have the proxy allow connections to this endpoint',
  CheckKmsKey: 'check the KMS key in encryption.keys: its id, alias or ARN, that it is in this account and Region, and '
    + 'that it is a symmetric key for encryption',
  AllowKmsKey: 'allow kms:GenerateDataKey and kms:Decrypt on the KMS key in encryption.keys, with this encryption '
    + 'context, in the IAM policy and the key policy',
  EnableKmsKey: 'enable the KMS key in encryption.keys, or cancel its deletion',
  CheckWrappedKey: 'restore the data key of encryption.keys as it was stored: it, or what it is bound to, has changed '
    + 'since',
  NameWrappingKey: 'name the KMS key that wrapped the data key in encryption.keys too, if it is yours: the alias may '
    + 'lead to another key since',
};

/** On the store's errors, so that one is not wrapped twice. This file is in several bundles. */
const OWN = Symbol.for('koa-session-dynamodb-store:error');

function build(message, properties, cause) {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  Object.defineProperty(error, 'name', { value: properties.code, configurable: true, writable: true });
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined && value !== null) error[name] = value;
  }
  Object.defineProperty(error, OWN, { value: true });
  return error;
}

/** The causes a failure names, as a chain. They come from the native part, where no line of JavaScript was. */
function chain({ message, causes = [] }) {
  return causes.filter((text) => text !== message).reduceRight((inner, text) => {
    const cause = new Error(text, inner && { cause: inner });
    cause.stack = `Error: ${text}`;
    return cause;
  }, undefined);
}

/**
 * The error for a failure of the native part. Table, endpoint and hint are properties and not in the
 * message, which some frameworks send to the browser.
 */
function toError(failure, cause) {
  if (isOwn(failure)) return failure;
  if (!failure || typeof failure.kind !== 'string') {
    return build('The session store failed.', { code: CODES.Internal, status: 500, retryable: false }, failure);
  }
  const named = failure.code && !HTTP_STATUS.test(failure.code) ? failure.code : undefined;
  const own = CODES[failure.kind] || CODES.Service;
  const code = OURS.includes(failure.kind) ? own : named || own;
  const message = failure.setting ? `${optionOf(failure.setting)}: ${failure.message}` : failure.message;
  return build(message, {
    code,
    serviceCode: named === code ? undefined : named,
    // What a visitor gets, from Koa and Express: `statusCode` is what the store got.
    status: 500,
    statusCode: failure.status,
    requestId: failure.requestId,
    retryable: failure.retryable,
    operation: failure.operation,
    attempts: failure.attempts,
    table: failure.table,
    endpoint: failure.endpoint,
    hint: REMEDIES[failure.remedy],
    time: new Date(),
  }, cause === undefined ? chain(failure) : cause);
}

/**
 * The error for what the native part refuses. An impossible option is a RangeError, as for options that are checked in
 * JavaScript; what the environment or a profile holds is not.
 */
function toRefusal(failure) {
  const error = toError(failure, undefined);
  if (!isOption(failure?.setting)) return error;
  return Object.assign(new RangeError(error.message, { cause: error.cause }), { code: error.code });
}

/** The same error under another message, with the error itself as cause. */
function withMessage(message, cause) {
  return build(message, { ...cause }, cause);
}

const invalidId = () => build(
  'The session id must be a non-empty string of valid Unicode.',
  { code: CODES.InvalidId, status: 500, retryable: false },
);

const invalidSession = (message, cause = undefined) => build(
  message,
  { code: CODES.InvalidData, status: 500, retryable: false },
  cause,
);

function invalidMaxAge() {
  const error = new TypeError('maxAge must be a number of milliseconds, "session" or undefined');
  return Object.assign(error, { code: CODES.InvalidMaxAge, status: 500, retryable: false });
}

const invalidTtl = (message, cause = undefined) => build(
  message,
  { code: CODES.InvalidMaxAge, status: 500, retryable: false },
  cause,
);

/**
 * Whether an error is the store's own.
 *
 * @param {any} error
 * @returns {boolean}
 */
const isOwn = (error) => error instanceof Error && OWN in error;

module.exports = {
  CODES, REMEDIES, toError, toRefusal, withMessage, invalidId, invalidMaxAge, invalidSession, invalidTtl, isOwn,
};
