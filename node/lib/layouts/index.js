'use strict';

const connectDynamodb = require('./connect-dynamodb.js');
const dynamodbStore = require('./dynamodb-store.js');

/**
 * The layouts of other packages that a store can read, by the name that the option `layout` gives them.
 *
 * `table` are defaults of the option `table`, `prefix` is that of its ids. `serialise(session, otherwise)` is there
 * when the table holds each session as one text, `restore(session, head)` when an item of that package is not yet the
 * session as the framework stores it. `attributes(values)` gives more functions for the option `attributes`, from the
 * values of all options.
 */
const LAYOUTS = {
  'connect-dynamodb': connectDynamodb,
  'dynamodb-store': dynamodbStore,
};

/** The options that go with it: rows as those of ../options/table.js. */
const OPTIONS = {
  layout: { type: Object.keys(LAYOUTS), field: 'layout', setting: 'layout' },
  specialKeys: { type: 'array' },
  skipThrowMissingSpecialKeys: { type: 'boolean', default: false },
};

module.exports = { LAYOUTS, OPTIONS };
