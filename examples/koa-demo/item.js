'use strict';

// For the right-hand side of the demo only: the session's item as somebody sees it who can read the table. A session
// store does not offer this, so this file sends its own signed GetItem.

const { AwsClient } = require('aws4fetch');

const HELP = 'The store works, but this view needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment. '
  + 'With a profile or SSO: eval "$(aws configure export-credentials --format env)"';

const BINARY_SHOWN = 20; // characters of base64

const sorted = (map) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

// The id is the visitor's credential: a page must never show it.
const mask = (id) => `${id.slice(0, 4)}…`;

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

  const shown = (item, id) => {
    const attributes = Object.entries(inOrder(item)).map(([name, attribute]) => [name, shortened(attribute)]);
    return JSON.stringify(Object.fromEntries(attributes), null, 2).replaceAll(id, () => mask(id));
  };

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
      return {
        ...place,
        id: mask(id),
        created: instant(item.created, 1),
        expires: instant(item[store.ttlKey], 1000),
        json: shown(item, id),
      };
    } catch (err) {
      log(`the raw item could not be read: ${err.message}`);
      return { ...place, problem: 'The item could not be read. The log of the server says why.' };
    }
  };
};
