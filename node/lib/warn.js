'use strict';

const said = new Set();

/** Gives a warning once in the life of the process, as `process.on('warning')` and `--trace-warnings` know it. */
function warnOnce(message, detail) {
  const warning = JSON.stringify([message, detail]);
  if (said.has(warning)) return;
  said.add(warning);
  process.emitWarning(message, { type: 'DynamoDBStoreWarning', code: 'DYNAMODB_STORE', detail });
}

module.exports = { warnOnce };
