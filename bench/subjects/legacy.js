'use strict';

// koa-session-dynamodb-store 1.1.1, on the AWS SDK v2.

exports.open = ({ endpoint, table, credentials }) => {
  const DynamoDBStore = require('legacy'); // eslint-disable-line global-require
  const store = new DynamoDBStore({ table: { name: table }, dynamoConfig: { ...credentials, endpoint } });
  store.close = () => {};
  return store;
};
