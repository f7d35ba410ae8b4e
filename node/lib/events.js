'use strict';

/** Events of the native part, on their way to the stores that listen. */

const { Registry } = require('./registry.js');
const { warnOnce } = require('./warn.js');

/** The listener that stands for the environment itself: what has to be reported although nobody listens. */
const ENVIRONMENT = 0;

const listeners = new Registry();

/** The number of a listener. It is held weakly. */
const listenerId = (emit) => listeners.add(emit, () => emit).id;

/** Hands an event over, a line of JSON, to the listener with this number. */
function deliver(listener, line) {
  const { event, ...details } = JSON.parse(line);
  if (listener === ENVIRONMENT) {
    if (event === 'updateDenied') {
      warnOnce('koa-session-dynamodb-store: UpdateItem is not allowed on the table, so sessions are written whole and parallel requests overwrite each other. Extend the IAM policy by dynamodb:UpdateItem.');
    }
    return;
  }
  const emit = listeners.entry(listener);
  // On a turn of its own: an error that a listener throws concerns nobody else.
  if (emit) process.nextTick(emit, event, details);
}

module.exports = { deliver, listenerId };
