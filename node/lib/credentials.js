'use strict';

const { isText } = require('./options/check.js');

/** Taken once: fake timers would clear what they did not start. */
const { clearTimeout, setTimeout } = globalThis;

/** Calls a method of the AWS SDK v2: `xPromise()` where the SDK was promisified, `x(callback)` otherwise. */
function callV2(object, method) {
  const promised = object[`${method}Promise`];
  if (typeof promised === 'function') return promised.call(object);
  return new Promise((resolve, reject) => {
    object[method]((error, value) => (error ? reject(error) : resolve(value)));
  });
}

/**
 * What a client of v3 gives a provider: those that ask AWS themselves do so in its Region. Without a Region they look
 * for one as they do without a client, in the profile too.
 */
const identityOf = (region) => (region ? { callerClientConfig: { region: async () => region } } : {});

/** Credentials of any provider: an async function (v3), `AWS.Credentials` or a provider chain (v2). */
async function ask(source, region) {
  if (typeof source === 'function') return source(identityOf(region));
  if (typeof source.resolve === 'function' || typeof source.resolvePromise === 'function') {
    return ask(await callV2(source, 'resolve'), region);
  }
  if (typeof source.get === 'function' || typeof source.getPromise === 'function') {
    // `get` renews expired credentials.
    await callV2(source, 'get');
  }
  return source;
}

function expiry(value) {
  if (value === undefined || value === null) return undefined;
  const ms = new Date(value).getTime();
  if (Number.isNaN(ms)) throw new TypeError('the credentials\' expiration is not a date');
  return ms;
}

function checked(credentials) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials || {};
  if (!isText(accessKeyId) || !isText(secretAccessKey)) {
    throw new TypeError('the credentials provider gave no accessKeyId and secretAccessKey');
  }
  // Some providers give an empty token with keys that need no token.
  if (sessionToken && !isText(sessionToken)) {
    throw new TypeError('the credentials provider gave a sessionToken that is not a string');
  }
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: sessionToken || undefined,
    // v3, then v2.
    expiration: expiry(credentials.expiration ?? credentials.expireTime),
  };
}

/** Calls a provider, once for all calls that wait for credentials, and with a deadline. */
class Provider {
  /** Why the provider failed the last time; undefined after a success. The store's errors have it as their cause. */
  lastError;

  #source;

  #timeoutMs;

  #region;

  /** The call of the provider that has no answer yet. */
  #asked;

  constructor(source, timeoutMs, region = undefined) {
    this.#source = new WeakRef(source);
    this.#timeoutMs = timeoutMs;
    this.#region = region;
  }

  async credentials() {
    const asked = this.#ask();
    let timer;
    const late = new Promise((resolve, reject) => {
      timer = setTimeout(() => {
        asked.isLate = true;
        reject(new Error(`the credentials provider did not answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    try {
      const credentials = checked(await Promise.race([asked.answer, late]));
      this.lastError = undefined;
      return credentials;
    } catch (error) {
      this.lastError = error;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Calls the provider, or joins a call under way. A provider that misses a deadline may be slow, or hang for ever. So
   * it is called again, and the first answer counts, even if it is that of the earlier call.
   */
  #ask() {
    const before = this.#asked;
    if (before && !before.isLate) return before;
    const own = ask(this.#source.deref(), this.#region);
    const answer = before ? Promise.race([before.own.catch(() => own), own]) : own;
    const asked = { own, answer, isLate: false };
    const forget = () => { if (this.#asked === asked) this.#asked = undefined; };
    answer.then(forget, forget);
    this.#asked = asked;
    return asked;
  }
}

/** Whether an object provides credentials when it is called, instead of holding them. */
function isProvider(value) {
  return typeof value === 'function' || ['get', 'getPromise', 'resolve', 'resolvePromise'].some(
    (method) => typeof value?.[method] === 'function',
  );
}

module.exports = { Provider, isProvider };
