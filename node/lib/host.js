'use strict';

const { Provider } = require('./credentials.js');
const { STORE } = require('./options/table.js');
const { Registry } = require('./registry.js');
const { warnOnce } = require('./warn.js');

function logTo(logger, line) {
  if (typeof logger.log === 'function') logger.log(line);
  else logger.write(`${line}\n`);
}

/** What the native part asks of JavaScript: credentials of a provider, and lines for a logger. */
class Host {
  #binding;

  #registry = new Registry();

  constructor(binding) {
    this.#binding = binding;
    binding.setHost(this.#ask.bind(this), this.#log.bind(this));
  }

  /** Registers a source of credentials, for operations that end after so many milliseconds. */
  provider(source, operationTimeoutMs = STORE.operationTimeout.default) {
    // Before the operation's own deadline, so that the error says who was late.
    return this.#registry.add(source, () => new Provider(source, operationTimeoutMs * 0.9));
  }

  /** Registers a logger. */
  logger(logger) {
    const reference = new WeakRef(logger);
    return this.#registry.add(logger, () => (line) => {
      const target = reference.deref();
      if (target) logTo(target, line);
    });
  }

  #ask(id, question) {
    const provider = this.#registry.entry(id);
    if (!provider) {
      this.#binding.answerCredentials(question, undefined, 'the credentials provider is gone');
      return;
    }
    provider.credentials().then(
      (credentials) => this.#binding.answerCredentials(question, credentials),
      () => this.#binding.answerCredentials(question, undefined, 'the credentials provider failed'),
    ).catch((error) => {
      warnOnce(`koa-session-dynamodb-store: the credentials could not be handed over: ${error.message}`);
    });
  }

  #log(id, line) {
    try {
      this.#registry.entry(id)?.(line);
    } catch (error) {
      warnOnce(`koa-session-dynamodb-store: dynamoConfig.logger threw: ${error.message}`);
    }
  }
}

let theHost;

/** The host of this environment's native part. */
function of(binding) {
  theHost ??= new Host(binding);
  return theHost;
}

module.exports = { of };
