'use strict';

const FILES = { linux: 'lib%.so', darwin: 'lib%.dylib', win32: '%.dll' };

/**
 * How Cargo calls the shared library of a package.
 *
 * @param {{ os: string }} platform
 * @param {string} name of the package
 */
module.exports = ({ os }, name) => FILES[os].replace('%', name.replaceAll('-', '_'));
