'use strict';

/* eslint global-require: "off" -- few applications have special keys */

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

/**
 * Its option `specialKeys` names fields of the session that are attributes of the item as well.
 *
 * @param {Record<string, any>} values
 */
function attributes({ specialKeys, skipThrowMissingSpecialKeys = false }) {
  if (!specialKeys) return undefined;
  return require('../special-keys.js').attributesOf(specialKeys, skipThrowMissingSpecialKeys);
}

module.exports = {
  table: { hashKey: 'id' }, prefix: 'sess:', serialise, attributes,
};
