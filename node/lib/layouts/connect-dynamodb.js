'use strict';

/** Tables of the package connect-dynamodb: each session is one JSON text. */

/** A session's text. What JSON cannot express becomes what JSON makes of it. */
function serialise(session, otherwise) {
  try {
    return JSON.stringify(session);
  } catch {
    // It says where the fault is.
    return otherwise(session);
  }
}

module.exports = { table: { hashKey: 'id' }, prefix: 'sess:', serialise };
