'use strict';

// The stores people use with express-session on DynamoDB, as published. `session` is the framework, whose `Store`
// they extend where they let one choose.

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const AWS = require('aws-sdk');
const connectDynamoDB = require('connect-dynamodb');
const connectDynamoDB2 = require('connect-dynamodb-2');
const DynamoDBStore = require('dynamodb-store');

const credentials = { accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' };

const peers = {
  'connect-dynamodb 3': {
    hashKey: 'id',
    layout: 'connect-dynamodb',
    open: ({ session }, endpoint, table) => new (connectDynamoDB(session))({
      table, initialized: true, client: new DynamoDBClient({ endpoint, region: 'local', credentials }),
    }),
  },
  'connect-dynamodb 2': {
    hashKey: 'id',
    layout: 'connect-dynamodb',
    open: ({ session }, endpoint, table) => new (connectDynamoDB2(session))({
      table, client: new AWS.DynamoDB({ endpoint, region: 'local', ...credentials }),
    }),
  },
  'dynamodb-store': {
    hashKey: 'sessionId',
    layout: 'dynamodb-store',
    open: (_, endpoint, name) => new DynamoDBStore({
      table: { name }, dynamoConfig: { endpoint, region: 'local', ...credentials },
    }),
  },
};

module.exports = peers;
