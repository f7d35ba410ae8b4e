'use strict';

/** What the native part asks of JavaScript: credentials of a provider, and lines for a logger. */

const { Provider } = require('./credentials.js');
const { warnOnce } = require('./warn.js');

/**
 * @typedef {object} Registration What stands for a provider or a logger in the options of a native store.
 * @property {number} number Equal for equal objects only.
 */

/** Providers by their source, and by what else they depend on. */
const providers = new WeakMap();

const loggers = new WeakMap();

function ask(binding, provider, question) {
  provider.credentials().then(
    (credentials) => binding.answerCredentials(question, credentials),
    () => binding.answerCredentials(question, undefined, 'the credentials provider failed'),
  ).catch((error) => {
    warnOnce(`koa-session-dynamodb-store: the credentials could not be handed over: ${error.message}`);
  });
}

/**
 * Registers a source of credentials, for a Region and for operations that end after so many milliseconds. The native
 * part keeps `ask` for as long as a store has it, and `ask` keeps the source only weakly: a store that is gone takes it
 * along.
 *
 * @returns {Registration & { entry: Provider, ask: (question: number) => void }}
 */
function providerOf(binding, source, { region, operationTimeoutMs }) {
  const registered = providers.get(source) ?? new Map();
  providers.set(source, registered);
  const key = `${region} ${operationTimeoutMs}`;
  if (!registered.has(key)) {
    // Before the operation's own deadline, so that the error says who was late.
    const entry = new Provider(source, operationTimeoutMs * 0.9, region);
    registered.set(key, { number: binding.newNumber(), entry, ask: (question) => ask(binding, entry, question) });
  }
  return registered.get(key);
}

function write(reference, line) {
  const logger = reference.deref();
  try {
    if (typeof logger?.log === 'function') logger.log(line);
    else logger?.write(`${line}\n`);
  } catch (error) {
    warnOnce(`koa-session-dynamodb-store: dynamoConfig.logger threw: ${error.message}`);
  }
}

/**
 * Registers a logger. It is kept as a source of credentials is.
 *
 * @returns {Registration & { log: (line: string) => void }}
 */
function loggerOf(binding, logger) {
  let registered = loggers.get(logger);
  if (!registered) {
    const reference = new WeakRef(logger);
    registered = { number: binding.newNumber(), log: (line) => write(reference, line) };
    loggers.set(logger, registered);
  }
  return registered;
}

module.exports = { loggerOf, providerOf };
