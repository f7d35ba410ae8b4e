'use strict';

const { Provider } = require('./credentials.js');
const { STORE } = require('./options/table.js');
const { warnOnce } = require('./warn.js');

function logTo(logger, line) {
  if (typeof logger.log === 'function') logger.log(line);
  else logger.write(`${line}\n`);
}

/** What the native part asks of JavaScript: credentials of a provider, and lines for a logger. */
class Host {
  #binding;

  #started = false;

  #nextId = 1;

  /** Objects known by number. Weak, so that a store that is gone takes its provider along. */
  #ids = new WeakMap();

  #objects = new Map();

  #gone = new FinalizationRegistry((id) => this.#objects.delete(id));

  constructor(binding) {
    this.#binding = binding;
  }

  /** Registers a source of credentials, for operations that end after so many milliseconds. */
  provider(source, operationTimeoutMs = STORE.operationTimeout.default) {
    // Before the operation's own deadline, so that the error says who was late.
    return this.#register(source, () => new Provider(source, operationTimeoutMs * 0.9));
  }

  /** Registers a logger. */
  logger(logger) {
    const reference = new WeakRef(logger);
    return this.#register(logger, () => (line) => {
      const target = reference.deref();
      if (target) logTo(target, line);
    });
  }

  /** The number the native part will use for an object, and what was made for it the first time. */
  #register(object, make) {
    const known = this.#ids.get(object);
    if (known) return known;
    if (!this.#started) {
      this.#binding.setHost(this.#ask.bind(this), this.#log.bind(this));
      this.#started = true;
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const registration = { id, entry: make() };
    this.#ids.set(object, registration);
    this.#objects.set(id, new WeakRef(object));
    this.#gone.register(object, id);
    return registration;
  }

  #entry(id) {
    const object = this.#objects.get(id)?.deref();
    return object && this.#ids.get(object).entry;
  }

  #ask(id, question) {
    const provider = this.#entry(id);
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
      this.#entry(id)?.(line);
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
