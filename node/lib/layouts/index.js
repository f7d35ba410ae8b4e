'use strict';

const connectDynamodb = require('./connect-dynamodb.js');
const dynamodbStore = require('./dynamodb-store.js');

/**
 * The layouts of other packages that a store can read, by the name that the option `layout` gives them.
 *
 * `table` are defaults of the option `table`, `prefix` is that of its ids. `serialise(session, otherwise)` is there
 * when the table holds each session as one text, `restore(session, head)` when an item of that package is not yet the
 * session as the framework stores it.
 */
const LAYOUTS = {
  'connect-dynamodb': connectDynamodb,
  'dynamodb-store': dynamodbStore,
};

/** The option `layout`: a row as those of ../options/table.js. */
const OPTION = { type: Object.keys(LAYOUTS), field: 'layout', setting: 'layout' };

module.exports = { LAYOUTS, OPTION };
