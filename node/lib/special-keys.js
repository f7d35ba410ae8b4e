'use strict';

/**
 * The option `specialKeys` of connect-dynamodb: fields of the session that are attributes of the item as well. It is
 * loaded only for that option.
 */

/** What the types of special keys are called, and their values. */
const TYPES = {
  S: { name: 'string', has: (value) => typeof value === 'string' },
  N: { name: 'number', has: (value) => typeof value === 'number' },
};

/** The value of a field; undefined where it is missing and may be. */
function valueOf(session, name, type, mayBeMissing) {
  const value = session[name];
  if (value === undefined && mayBeMissing) return undefined;
  // What was thrown is the cause of the error that names the attribute.
  if (value === undefined) throw new Error(`The session has no field "${name}", which specialKeys names. With skipThrowMissingSpecialKeys: true it is stored without this attribute.`);
  if (!TYPES[type].has(value)) throw new TypeError(`The field "${name}" of the session must be a ${TYPES[type].name}, as specialKeys says.`);
  return value;
}

/**
 * These keys as the option `attributes`.
 *
 * @param {any} keys
 * @param {boolean} mayBeMissing
 * @returns {Record<string, (session: any) => string | number | undefined>}
 */
function attributesOf(keys, mayBeMissing) {
  return Object.fromEntries(keys.map((key, index) => {
    const { name, type } = key ?? {};
    if (typeof name !== 'string') throw new TypeError(`specialKeys[${index}].name must be a string`);
    if (!Object.hasOwn(TYPES, type)) throw new RangeError(`specialKeys[${index}].type must be one of S, N`);
    return [name, (session) => valueOf(session, name, type, mayBeMissing)];
  }));
}

module.exports = { attributesOf };
