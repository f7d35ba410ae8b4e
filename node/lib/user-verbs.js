'use strict';

/** What the verbs about a user's sessions make of arguments and answers. It is loaded by the first of them. */

const { invalidId, invalidSession } = require('./errors.js');
const { isId } = require('./session-id.js');
const { givenUser } = require('./users.js');

const date = (ms) => (ms === null ? undefined : new Date(ms));

/**
 * The verbs. `call(start)` makes a call of the native store, and resolves with its answer.
 *
 * @param {(start: (native: import('../binding').Store) => Promise<string>) => Promise<string>} call
 */
const verbsOf = (call) => ({
  /**
   * @param {string | number | bigint} user
   * @param {{ current?: string }} options
   */
  async sessionsOf(user, { current }) {
    const id = givenUser(user);
    const sessions = JSON.parse(await call((native) => native.sessionsOf(id, isId(current) ? current : undefined)));
    return sessions.map((session) => ({
      ref: session.ref,
      label: session.label ?? undefined,
      current: session.current,
      created: date(session.created),
      signedIn: date(session.signedIn),
      lastSeen: date(session.lastSeen),
      expires: date(session.expires),
    }));
  },

  async revoke(user, ref) {
    const id = givenUser(user);
    if (typeof ref !== 'string') {
      throw invalidSession('the reference of the session must be a string: `ref` of what sessionsOf returned.');
    }
    return (await call((native) => native.revoke(id, ref))) === 'true';
  },

  /**
   * @param {string | number | bigint} user
   * @param {{ except?: string }} options
   */
  async revokeUser(user, { except }) {
    const id = givenUser(user);
    if (except !== undefined && !isId(except)) throw invalidId();
    return { revoked: Number(await call((native) => native.revokeUser(id, except))) };
  },
});

module.exports = { verbsOf };
