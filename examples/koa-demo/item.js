'use strict';

// For the right-hand side of the demo only: the session's item as somebody sees it who can read the table. A session
// store does not offer this, so this file sends its own signed GetItem.

const { createHash } = require('crypto');
const { AwsClient } = require('aws4fetch');

const HELP = 'The store works, but this view needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment. '
  + 'With a profile or SSO: eval "$(aws configure export-credentials --format env)"';

const BINARY_SHOWN = 20; // characters of base64

const sorted = (map) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

// The key of a session's item, as docs/at-rest.md describes it. The id is the visitor's credential, and a page must
// never show it. The key opens nothing.
const keyOf = (id) => `h1.${createHash('sha256').update('dynamodb-session/id/1\0').update(id).digest('base64url')}`;

const bytesOf = (attribute) => Buffer.from(attribute.B, 'base64').length;

// A long binary attribute is shown by its start and its length.
const shortened = (attribute) => (attribute.B?.length > BINARY_SHOWN
  ? { B: `${attribute.B.slice(0, BINARY_SHOWN)}… (${bytesOf(attribute)} bytes)` }
  : attribute);

// A number of these units since 1970, as an attribute.
const instant = (attribute, milliseconds) => {
  const number = Number(attribute?.N);
  return number ? new Date(number * milliseconds) : undefined;
};

module.exports = function itemReader({
  store, region, endpoint, credentials, log,
}) {
  const url = endpoint || `https://dynamodb.${region}.amazonaws.com`;
  const client = credentials.accessKeyId && credentials.secretAccessKey
    && new AwsClient({
      ...credentials, region, service: 'dynamodb', retries: 1,
    });
  const getItem = async (key) => {
    const response = await client.fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': 'DynamoDB_20120810.GetItem' },
      body: JSON.stringify({
        TableName: store.tableName,
        Key: { [store.hashKey]: { S: key } },
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

  const shown = (item) => {
    const attributes = Object.entries(inOrder(item)).map(([name, attribute]) => [name, shortened(attribute)]);
    return JSON.stringify(Object.fromEntries(attributes), null, 2);
  };

  // id: the session's id; undefined without a session.
  return async function describe(id) {
    const place = {
      table: store.tableName, hashKey: store.hashKey, ttlKey: store.ttlKey, region, endpoint,
    };
    if (!id) return place;
    if (!client) return { ...place, problem: HELP };
    try {
      const key = keyOf(id);
      const item = await getItem(key);
      if (!item) return { ...place, problem: 'The table holds no item for this session.' };
      return {
        ...place,
        key,
        created: instant(item.created, 1),
        expires: instant(item[store.ttlKey], 1000),
        json: shown(item),
      };
    } catch (err) {
      log(`the raw item could not be read: ${err.message}`);
      return { ...place, problem: 'The item could not be read. The log of the server says why.' };
    }
  };
};
