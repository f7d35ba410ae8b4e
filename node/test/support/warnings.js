'use strict';

/** The messages of the warnings that `act` emits. */
async function warningsOf(act) {
  const messages = [];
  const listen = (warning) => {
    if (warning.code === 'DYNAMODB_STORE') messages.push(warning.message);
  };
  process.on('warning', listen);
  try {
    await act();
    // Warnings are emitted on the next tick.
    await new Promise((resolve) => { setImmediate(resolve); });
  } finally {
    process.off('warning', listen);
  }
  return messages;
}

module.exports = { warningsOf };
