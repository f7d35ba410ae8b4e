'use strict';

/** Whose session each is: the option `users`. It is loaded only for it. */

const { invalidSession } = require('./errors.js');
const { hasUser } = require('./frame.js');
const { kindOf, PROMISE } = require('./kind-of.js');
const { parseText } = require('./session.js');

const RULE = 'a string that is not empty, a whole number, or undefined for a session that belongs to nobody';

/** What a value is, for an error. */
function described(value) {
  const kind = kindOf(value, 'a number that is not whole, or too large');
  return kind === PROMISE ? `${kind}: the function must be synchronous` : kind;
}

/**
 * The id of a user as text; null for nobody.
 *
 * @param {unknown} value
 * @param {string} what
 * @returns {string | null}
 */
function idOf(value, what) {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  throw invalidSession(`${what} must be ${RULE}. It is ${described(value)}.`);
}

/** The id of the user that a caller asks about. */
function givenUser(user) {
  const id = idOf(user, 'the user');
  if (id === null) throw invalidSession('the user is missing: give the id that users.of returns for the user\'s sessions.');
  return id;
}

function call(name, compute, ...args) {
  try {
    return compute(...args);
  } catch (error) {
    throw invalidSession(`users.${name} cannot be computed for the session: the function threw an error, which is the cause of this one.`, error);
  }
}

/** The functions of the option. */
class Users {
  #of;

  #label;

  constructor({ of, label }) {
    this.#of = of;
    this.#label = label;
  }

  /** The id of the user whose session this is; null for nobody's. */
  of(session) { return idOf(call('of', this.#of, session), 'what users.of returns'); }

  #labelOf(session, request) {
    const label = this.#label && call('label', this.#label, session, request);
    if (label === undefined || label === null) return null;
    if (typeof label === 'string') return label.toWellFormed();
    throw invalidSession(`users.label must return a string or undefined. It returned ${described(label)}.`);
  }

  /** The user and the label of a session, for `textFor`. */
  read(session, request) {
    const user = this.of(session);
    return user === null ? null : [user, this.#labelOf(session, request)];
  }

  /**
   * What the native part is told: null, or the user's id, the label, and the id of the session that this one continues.
   * That is another one of the same user in the same request: `regenerate` gives it a new id.
   */
  textFor(read, tracked) {
    if (read === null) return null;
    const [user] = read;
    const isUsers = ({ ended, text }) => {
      const known = ended || text;
      return known !== '' && this.#isOf(user, known);
    };
    const continued = tracked.others.find(isUsers);
    return [...read, continued?.id ?? null];
  }

  #isOf(user, text) {
    try {
      return this.of(parseText(text)) === user;
    } catch {
      return false;
    }
  }

  /** What registers a session that was loaded; undefined where there is nothing to register. */
  unregistered(head, session, request) {
    if (hasUser(head)) return undefined;
    const read = this.read(session, request);
    return read === null ? undefined : JSON.stringify({ user: [...read, null] });
  }
}

module.exports = { Users, givenUser };
