'use strict';

/** Keys of a function: where an application keeps them, such as a service for secrets. */

const { keysOf } = require('./options/encryption.js');
const { warnOnce } = require('./warn.js');

/** The sources by their functions, so that stores of one function can share what is native. */
const sources = new WeakMap();

class KeySource {
  /** Why the function failed the last time; undefined after a success. The store's errors have it as their cause. */
  lastError;

  #function;

  /** The function is kept weakly, as a source of credentials is: a store that is gone takes it along. */
  constructor(given) {
    this.#function = new WeakRef(given);
  }

  async keys() {
    try {
      const keys = keysOf(await this.#function.deref()(), 'the keys that encryption.keys returned');
      this.lastError = undefined;
      return keys;
    } catch (error) {
      this.lastError = error;
      throw error;
    }
  }
}

/**
 * Registers a function that returns keys.
 *
 * @returns {{ number: number, entry: KeySource, ask: (question: number) => void }}
 */
function keySourceOf(binding, given) {
  let registered = sources.get(given);
  if (!registered) {
    const entry = new KeySource(given);
    const ask = (question) => {
      entry.keys().then(
        (keys) => binding.answerKeys(question, keys),
        () => binding.answerKeys(question, undefined),
      ).catch((error) => {
        warnOnce(`koa-session-dynamodb-store: the encryption keys could not be handed over: ${error.message}`);
      });
    };
    registered = { number: binding.newNumber(), entry, ask };
    sources.set(given, registered);
  }
  return registered;
}

module.exports = { keySourceOf };
