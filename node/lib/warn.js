'use strict';

const said = new Set();

/** Warns once in the life of the process, as `process.on('warning')` and `--trace-warnings` know it. */
function warnOnce(message, detail) {
  if (said.has(message)) return;
  said.add(message);
  process.emitWarning(message, { type: 'DynamoDBStoreWarning', code: 'DYNAMODB_STORE', detail });
}

module.exports = { warnOnce };
