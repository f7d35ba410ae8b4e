'use strict';

// The table as it is, past the package under test. An endpoint that is tested with a Region in the environment may
// verify signatures: there the AWS SDK makes the requests.

const { raw } = require('../support/raw');

const signed = (endpoint) => {
  const { DynamoDB } = require('aws-sdk'); // eslint-disable-line global-require -- slow to load, rarely needed
  const client = new DynamoDB({ endpoint });
  const bytes = (name, value) => (name === 'B' && typeof value === 'string' ? Buffer.from(value, 'base64') : value);
  return (operation, body) => {
    const method = operation[0].toLowerCase() + operation.slice(1);
    return client[method](JSON.parse(JSON.stringify(body), bytes)).promise();
  };
};

module.exports = function openTable(endpoint, name, isSigned) {
  const call = isSigned ? signed(endpoint) : (operation, body) => raw(endpoint, operation, body);
  return {
    get: async (id) => (await call('GetItem', {
      TableName: name, Key: { sessionId: { S: id } }, ConsistentRead: true,
    })).Item,
    put: (item) => call('PutItem', { TableName: name, Item: item }),
    drop: () => call('DeleteTable', { TableName: name }),
  };
};
