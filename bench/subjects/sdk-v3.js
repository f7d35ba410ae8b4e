'use strict';

// A minimal store on the document client of the AWS SDK v3.

const { sdkConfig } = require('./connect-dynamodb.js');

exports.open = ({ endpoint, table, credentials }) => {
  /* eslint-disable global-require */
  const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
  const {
    DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand,
  } = require('@aws-sdk/lib-dynamodb');
  /* eslint-enable global-require */
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ ...sdkConfig(credentials), endpoint }));
  const keyOf = (id) => ({ TableName: table, Key: { sessionId: id } });
  const expiry = (maxAge) => Math.ceil((Date.now() + maxAge) / 1000);

  return {
    async get(id) {
      const { Item } = await client.send(new GetCommand({ ...keyOf(id), ConsistentRead: true }));
      return Item?.session;
    },
    set(id, session, maxAge, { rolling }) {
      if (rolling) {
        return client.send(new UpdateCommand({
          ...keyOf(id),
          UpdateExpression: 'SET expires = :expires',
          ExpressionAttributeValues: { ':expires': expiry(maxAge) },
        }));
      }
      const Item = { sessionId: id, expires: expiry(maxAge), session };
      return client.send(new PutCommand({ TableName: table, Item }));
    },
    destroy: (id) => client.send(new DeleteCommand(keyOf(id))),
    close: () => client.destroy(),
  };
};
