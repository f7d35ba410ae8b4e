'use strict';

/** Events of the native part, on their way to the stores that listen. */

const { warnOnce } = require('./warn.js');

/** What is the matter, what follows from it, and what to do. */
const WARNINGS = {
  updateDenied: 'UpdateItem is not allowed on the table, so each write puts the whole session. Extend the IAM policy by dynamodb:UpdateItem.',
  putDenied: 'PutItem is not allowed on the table, so a request that was sent before a sign-out can bring its session back. Extend the IAM policy by dynamodb:PutItem.',
  keysNotRenewed: 'encryption.keys failed, so the keys that were known before stay in use: those of KMS for a day at most. It is asked again every few seconds.',
  ttlOff: 'The TTL of the table is off, so expired sessions, and what sign-outs leave, stay in it. Enable it by table.useTtlExpired: true, or call deleteExpired() or `dynamodb-session sweep --once` from time to time. If that is so on purpose, set table.useTtlExpired: false.',
};

/** Warns of what must be reported also without a listener: an event as a line of JSON. */
function warnOf(line) {
  const { event, table } = JSON.parse(line);
  warnOnce(`koa-session-dynamodb-store: ${WARNINGS[event]}`, table && `table: ${table}`);
}

/** Takes lines of JSON, and hands each to `emit` on a turn that `nextTick` makes. It holds `emit` weakly. */
function receiverFor(emit, nextTick) {
  const reference = new WeakRef(emit);
  return (line) => {
    const { event, ...details } = JSON.parse(line);
    const target = reference.deref();
    // On a turn of its own, so that an error of one listener does not stop the others.
    if (target) nextTick(target, event, details);
  };
}

module.exports = { receiverFor, warnOf };
