'use strict';

// connect-dynamodb 3, on the AWS SDK v3: a store for express-session.

const { EventEmitter } = require('node:events');
const { promisify } = require('node:util');

exports.open = ({ endpoint, table, credentials }) => {
  /* eslint-disable global-require */
  const DynamoDBStore = require('connect-dynamodb')({ Store: EventEmitter });
  const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
  /* eslint-enable global-require */
  const client = new DynamoDBClient({ ...sdkConfig(credentials), endpoint });
  const store = new DynamoDBStore({ client, table, initialized: true });
  const [get, set, touch, destroy] = ['get', 'set', 'touch', 'destroy'].map((name) => promisify(store[name]).bind(store));

  return {
    get: (id) => get(id),
    set(id, session, maxAge, { rolling }) {
      // express-session has the TTL here. It is not enumerable, so that all subjects store the same data.
      if (!session.cookie) Object.defineProperty(session, 'cookie', { value: { maxAge } });
      return rolling ? touch(id, session) : set(id, session);
    },
    destroy: (id) => destroy(id),
    close: () => client.destroy(),
  };
};

/** What the SDK v3 calls what the SDK v2 has flat. Without keys it looks for some itself. */
function sdkConfig({ region, accessKeyId, secretAccessKey }) {
  return { region, ...(accessKeyId && { credentials: { accessKeyId, secretAccessKey } }) };
}

exports.sdkConfig = sdkConfig;
