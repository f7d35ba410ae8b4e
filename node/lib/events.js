'use strict';

/** Events of the native part, on their way to the stores that listen. */

const { Registry } = require('./registry.js');
const { warnOnce } = require('./warn.js');

/** The listener that stands for the environment itself: it gets what must be reported also without a listener. */
const ENVIRONMENT = 0;

/** What is the matter, what follows from it, and what to do. */
const WARNINGS = {
  updateDenied: 'UpdateItem is not allowed on the table, so each write puts the whole session. Extend the IAM policy by dynamodb:UpdateItem.',
  putDenied: 'PutItem is not allowed on the table, so a request that was sent before a sign-out can bring its session back. Extend the IAM policy by dynamodb:PutItem.',
  ttlOff: 'The TTL of the table is off, so expired sessions, and what sign-outs leave, stay in it. Enable it by table.useTtlExpired: true, or call deleteExpired() or `dynamodb-session sweep --once` from time to time. If that is so on purpose, set table.useTtlExpired: false.',
};

const listeners = new Registry();

/** The number of a listener. It is held weakly. */
const listenerId = (emit) => listeners.add(emit, () => emit).id;

/** Hands an event over, a line of JSON, to the listener with this number, on a turn that `nextTick` makes. */
function deliver(listener, line, nextTick) {
  const { event, ...details } = JSON.parse(line);
  if (listener === ENVIRONMENT) {
    warnOnce(`koa-session-dynamodb-store: ${WARNINGS[event]}`, details.table && `table: ${details.table}`);
    return;
  }
  const emit = listeners.entry(listener);
  // On a turn of its own, so that an error of one listener does not stop the others.
  if (emit) nextTick(emit, event, details);
}

module.exports = { deliver, listenerId };
