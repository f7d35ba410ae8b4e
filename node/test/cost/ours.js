'use strict';

const { localAlone } = require('../support/options');

const MINUTE = 60000;
const ENCRYPTION = { keys: [{ id: 'k1', key: Buffer.alloc(32, 7) }] };

/**
 * The prices with every framework: operations, then read + write units for each size of a session. A logout reads the
 * session first where the framework passes only its id.
 */
const PRICES = {
  'first visit, nothing stored': ['', '0 + 0', '0 + 0'],
  'first visit that begins a session': ['PutItem', '0 + 1', '0 + 10'],
  'view that changes a field': ['GetItem UpdateItem', '1 + 1', '3 + 10'],
  'rolling view that only reads': ['GetItem UpdateItem', '1 + 1', '3 + 10'],
  'the same, within touchAfter': ['GetItem', '1 + 0', '3 + 0'],
  'change of a session destroyed meanwhile': ['GetItem UpdateItem', '1 + 1', '3 + 1'],
  logout: ['GetItem PutItem', '1 + 1', '3 + 10'],
  'logout without a session': ['GetItem PutItem', '1 + 1', '1 + 1'],
};

/** Opens stores of this class with more options. */
const opener = (Store) => (more) => (endpoint, table, { touchAfter } = {}) => new Store(localAlone(endpoint, table, {
  ...more, ...(touchAfter && { touchAfter: 10 * MINUTE }),
}));

module.exports = {
  ENCRYPTION, MINUTE, opener, PRICES,
};
