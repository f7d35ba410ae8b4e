'use strict';

// DynamoDB without any client library: what is stored, seen past the package under test.
// The engines want an Authorization header but verify nothing.

const http = require('node:http');

const headers = (operation) => ({
  'Content-Type': 'application/x-amz-json-1.0',
  'X-Amz-Target': `DynamoDB_20120810.${operation}`,
  'X-Amz-Date': '20260101T000000Z',
  Authorization: 'AWS4-HMAC-SHA256 Credential=dummy/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
});

const raw = (endpoint, operation, body) => new Promise((resolve, reject) => {
  const request = http.request(endpoint, { method: 'POST', headers: headers(operation), agent: false }, (response) => {
    const chunks = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (response.statusCode === 200) {
        resolve(JSON.parse(text));
        return;
      }
      const code = /"__type":"(?:[^"#]*#)?([^"]+)"/.exec(text)?.[1];
      reject(Object.assign(new Error(`${operation}: ${response.statusCode} ${text}`), { code }));
    });
  });
  request.on('error', reject);
  request.end(JSON.stringify(body));
});

// The table `name`, with the default layout unless another is given.
const rawTable = (endpoint, name, key = 'sessionId') => ({
  name,
  create: (more = {}) => raw(endpoint, 'CreateTable', {
    TableName: name,
    KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
    ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
    ...more,
  }),
  describe: async () => (await raw(endpoint, 'DescribeTable', { TableName: name })).Table,
  get: async (id) => (await raw(endpoint, 'GetItem', {
    TableName: name, Key: { [key]: { S: id } }, ConsistentRead: true,
  })).Item,
  put: (item) => raw(endpoint, 'PutItem', { TableName: name, Item: item }),
  delete: (id) => raw(endpoint, 'DeleteItem', { TableName: name, Key: { [key]: { S: id } } }),
  // A stored session as the package writes it, from attribute values.
  putSession: (id, session, more = {}) => raw(endpoint, 'PutItem', {
    TableName: name,
    Item: {
      [key]: { S: id }, expires: { N: String(Math.ceil(Date.now() / 1000) + 3600) }, session, ...more,
    },
  }),
  scan: async () => {
    const items = [];
    let last;
    do {
      const page = await raw(endpoint, 'Scan', { TableName: name, ConsistentRead: true, ExclusiveStartKey: last });
      items.push(...page.Items);
      last = page.LastEvaluatedKey;
    } while (last);
    return items;
  },
  timeToLive: async () => (await raw(endpoint, 'DescribeTimeToLive', { TableName: name })).TimeToLiveDescription,
});

module.exports = { raw, rawTable };
