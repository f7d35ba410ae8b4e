'use strict';

/**
 * What `code` says when the service gave no name of its own. None is a system error's: to Express and
 * Fastify `ENOENT` means that there is no session.
 */
const CODES = {
  Config: 'ConfigError',
  Credentials: 'CredentialsError',
  AccessDenied: 'AccessDeniedException',
  TableNotFound: 'ResourceNotFoundException',
  InvalidId: 'InvalidIdError',
  RecordTooLarge: 'ItemTooLargeError',
  InvalidData: 'InvalidSessionError',
  InvalidMaxAge: 'InvalidMaxAgeError',
  Throttled: 'ThrottlingException',
  Overloaded: 'OverloadedError',
  Timeout: 'TimeoutError',
  Transport: 'NetworkingError',
  Decode: 'UnreadableAnswerError',
  Service: 'ServiceError',
  Internal: 'InternalError',
};

/** Kinds of failures whose code is ours also when the service finds out what the store did not. */
const OURS = new Set(['InvalidId', 'RecordTooLarge', 'InvalidData']);

/** What the native part says in place of a name the service did not give: `statusCode` has it as well. */
const HTTP_STATUS = /^Http\d+$/;

/** Of the store's errors, so that one is not wrapped twice. */
const made = new WeakSet();

function build(message, properties, cause) {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  Object.defineProperty(error, 'name', { value: properties.code, configurable: true, writable: true });
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined && value !== null) error[name] = value;
  }
  made.add(error);
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
  if (made.has(failure)) return failure;
  if (!failure || typeof failure.kind !== 'string') {
    return build('The session store failed.', { code: CODES.Internal, status: 500, retryable: false }, failure);
  }
  const named = failure.code && !HTTP_STATUS.test(failure.code) ? failure.code : undefined;
  const own = CODES[failure.kind] || CODES.Service;
  const code = OURS.has(failure.kind) ? own : named || own;
  return build(failure.message, {
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
    hint: failure.hint,
    time: new Date(),
  }, cause === undefined ? chain(failure) : cause);
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

/** Whether an error is the store's own. */
const isOwn = (error) => made.has(error);

module.exports = {
  CODES, toError, withMessage, invalidId, invalidMaxAge, invalidSession, isOwn,
};
