'use strict';

// For the right-hand side of the demo only: reads the session's item as DynamoDB stores it. A session
// store does not offer this, so this file sends its own signed GetItem.

const { AwsClient } = require('aws4fetch');

const HELP = 'The store works, but this view needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment. '
  + 'With a profile or SSO: eval "$(aws configure export-credentials --format env)"';

const sorted = (map) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

const mask = (id) => `${id.slice(0, 4)}…`;

module.exports = function itemReader({
  store, region, endpoint, credentials, log,
}) {
  const url = endpoint || `https://dynamodb.${region}.amazonaws.com`;
  const client = credentials.accessKeyId && credentials.secretAccessKey
    && new AwsClient({
      ...credentials, region, service: 'dynamodb', retries: 1,
    });

  const getItem = async (id) => {
    const response = await client.fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': 'DynamoDB_20120810.GetItem' },
      body: JSON.stringify({
        TableName: store.tableName,
        Key: { [store.hashKey]: { S: id } },
        ConsistentRead: true,
      }),
      signal: AbortSignal.timeout(5000),
    });
    const answer = await response.json();
    // eslint-disable-next-line no-underscore-dangle
    if (!response.ok) throw new Error(`GetItem answered ${response.status} ${answer.__type}`);
    return answer.Item;
  };

  // DynamoDB does not order attributes. Sorted, they look the same at each view; the key and the expiry come first.
  const inOrder = ({ session, ...item }) => ({
    [store.hashKey]: item[store.hashKey],
    [store.ttlKey]: item[store.ttlKey],
    ...sorted(item),
    session: session?.M ? { M: sorted(session.M) } : session,
  });

  // id: the session's id; undefined without a session.
  return async function describe(id) {
    const place = {
      table: store.tableName, hashKey: store.hashKey, ttlKey: store.ttlKey, region, endpoint,
    };
    if (!id) return place;
    if (!client) return { ...place, problem: HELP };
    try {
      const item = await getItem(id);
      if (!item) return { ...place, problem: 'The table holds no item for this session.' };
      const expires = Number(item[store.ttlKey]?.N);
      return {
        ...place,
        id: mask(id),
        expires: expires ? new Date(expires * 1000) : undefined,
        // The id is the visitor's credential: a page must never show it.
        json: JSON.stringify(inOrder(item), null, 2).replaceAll(id, () => mask(id)),
      };
    } catch (err) {
      log(`the raw item could not be read: ${err.message}`);
      return { ...place, problem: 'The item could not be read. The log of the server says why.' };
    }
  };
};
