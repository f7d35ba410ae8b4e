'use strict';

/**
 * What can be imported from the package, as package.json lists it under `exports`.
 *
 * An entry has the `name` of its files, the `specifier` that an application writes, and the files of its `types`.
 */

const path = require('node:path');
const manifest = require('../package.json');

/** Files such as package.json itself are no entries. */
const modules = Object.entries(manifest.exports).filter(([, conditions]) => typeof conditions === 'object');

module.exports = modules.map(([subpath, conditions]) => ({
  name: path.parse(conditions.require.default).name,
  specifier: path.posix.join(manifest.name, subpath),
  types: [conditions.require.types, conditions.import.types].map((file) => path.normalize(file)),
}));
