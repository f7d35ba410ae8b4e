'use strict';

// This package with encrypted sessions.

exports.open = ({ endpoint, table, credentials }) => {
  const DynamoDBStore = require('../../node'); // eslint-disable-line global-require
  return new DynamoDBStore({
    table: { name: table },
    dynamoConfig: { ...credentials, endpoint },
    encryption: { keys: [{ id: 'k1', key: Buffer.alloc(32, 7) }] },
  });
};
