'use strict';

/** The names of options for what the core calls its settings. */

const { DYNAMO, STORE, TABLE } = require('./table.js');

/** What of an option the setting is, where it is only a part of it. */
const PARTS = { tls_roots: 'ca' };

/** The path of the option in `rows` of the option table that sets the core's `setting`. */
function pathOf(rows, setting, parent = '') {
  for (const [name, row] of Object.entries(rows)) {
    const path = parent ? `${parent}.${name}` : name;
    if (row.setting === setting) return path;
    const found = row.members && pathOf(row.members, setting, path);
    if (found) return found;
  }
  return undefined;
}

const pathIn = (setting) => pathOf(TABLE, setting, 'table') || pathOf(STORE, setting) || pathOf(DYNAMO, setting, 'dynamoConfig');

/** What a user calls a setting of the core. Environment variables keep their name. */
function optionOf(setting) {
  const path = pathIn(setting);
  if (!path) return setting;
  return PARTS[setting] ? `${path}: ${PARTS[setting]}` : path;
}

/** Whether an option sets this setting of the core. */
const isOption = (setting) => pathIn(setting) !== undefined;

module.exports = { isOption, optionOf };
