'use strict';

// This package, as koa-session calls it.

exports.open = ({ endpoint, table, credentials }) => {
  const DynamoDBStore = require('../../node'); // eslint-disable-line global-require
  return new DynamoDBStore({ table: { name: table }, dynamoConfig: { ...credentials, endpoint } });
};
