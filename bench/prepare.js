'use strict';

// Prepares a run. Checks on the local engine that all subjects store and read equal data. Makes the answers of the null
// server from the items that they stored. Records the requests that the subjects without a store repeat.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { place, subject } = require('./peers.js');
const { SUBJECTS } = require('./plan.js');
const { KB, SIZES, session } = require('./session.js');

/** Sends a request to the engine directly. */
async function api(url, operation, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': `DynamoDB_20120810.${operation}`,
      'X-Amz-Date': '20260101T000000Z',
      // The engine requires a signature, but does not verify it.
      Authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${operation}: ${JSON.stringify(answer)}`);
  return answer;
}

const createTable = (url, TableName, AttributeName) => api(url, 'CreateTable', {
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName, AttributeType: 'S' }],
  KeySchema: [{ AttributeName, KeyType: 'HASH' }],
});

/** The answers of DynamoDB if this item is stored. */
function answersFor(Item, TableName, { capacity }) {
  const consumed = capacity ? { ConsumedCapacity: { TableName, CapacityUnits: 1 } } : {};
  return {
    '*': consumed,
    GetItem: { ...consumed, Item },
    Query: { Count: 1, Items: [Item], ScannedCount: 1 },
    // Only connect-dynamodb asks for the updated attributes, and reads them.
    UpdateItem: { ...consumed, ...(TableName.startsWith('bench-connect-dynamodb') && { Attributes: { expires: Item.expires } }) },
  };
}

/** Lets a subject store, read and delete each session, and keeps the item that it stored. */
async function check(name, url, directory) {
  const { key } = SUBJECTS[name];
  const worker = subject(name);
  await createTable(url, `bench-${name}`, key);
  const put = () => worker.ask({ do: 'run', operation: 'put', inFlight: 1 });
  const read = async () => (await worker.ask({ do: 'read' })).session;
  for (const size of SIZES) {
    await worker.ask({ do: 'open', ...place(directory, name, url, size) });
    assert.deepEqual(await read(), null, `${name} reads what is not there`);
    await put();
    assert.deepEqual(await read(), session(size), `${name} at ${size} bytes`);
    const { Items: [item] } = await api(url, 'Scan', { TableName: `bench-${name}` });
    const answers = answersFor(item, `bench-${name}`, SUBJECTS[name]);
    fs.writeFileSync(path.join(directory, `${name}-${size}.answers.json`), JSON.stringify(answers));
    await worker.ask({ do: 'run', operation: 'destroy', inFlight: 1 });
  }
  await worker.ask({ do: 'open', ...place(directory, name, url, KB) });
  await put(); // for the scenarios on the engine
  await worker.stop();
}

/** The last request of each operation, as the subject sent it. */
async function record(name, operations, size, server, directory) {
  let bytes = '';
  const proxy = net.createServer((client) => {
    const upstream = net.connect(new URL(server.endpoint(`${name}-${size}`)).port, '127.0.0.1');
    client.on('data', (chunk) => { bytes += chunk.toString('latin1'); });
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const worker = subject(name);
  await worker.ask({ do: 'open', ...place(directory, name, `http://127.0.0.1:${proxy.address().port}`, size) });
  const requests = {};
  for (const operation of operations) {
    await worker.ask({ do: 'run', operation, inFlight: 1 });
    requests[operation] = parse(bytes.slice(bytes.lastIndexOf('POST / HTTP/1.1\r\n')));
  }
  await worker.stop();
  proxy.close();
  fs.writeFileSync(path.join(directory, `${name}-${size}.requests.json`), JSON.stringify(requests));
}

function parse(request) {
  const [head, body] = request.split('\r\n\r\n');
  const [first, ...lines] = head.split('\r\n');
  const [method, target] = first.split(' ');
  // Each client adds these two headers itself.
  const headers = lines.map((line) => line.split(/: */, 2)).filter(([name]) => !/^(host|content-length)$/i.test(name));
  return {
    method, path: target, headers, body,
  };
}

/** Before the null server starts: makes the sessions and their stored items. */
async function prepareAnswers(engine, directory, names) {
  for (const size of SIZES) {
    fs.writeFileSync(path.join(directory, `${size}.session.json`), JSON.stringify(session(size)));
  }
  for (const name of names.filter((each) => SUBJECTS[each].key)) await check(name, engine.address.url, directory);
}

/** After the null server has started: records the requests. */
async function prepareRequests(server, directory) {
  for (const size of SIZES) {
    await record('ours', ['get', 'set', 'rolling', 'destroy'], size, server, directory);
    await record('core', ['get', 'put', 'save', 'destroy'], size, server, directory);
  }
}

/** Checks that a subject reads the same session from the null server as the others. */
async function checkRead(name, worker, size, directory) {
  if (name === 'wrk') return;
  const { session: found } = await worker.ask({ do: 'read' });
  const { answers = name } = SUBJECTS[name];
  const isRaw = ['http', 'hyper'].includes(name);
  const expected = isRaw
    ? JSON.stringify(JSON.parse(fs.readFileSync(path.join(directory, `${answers}-${size}.answers.json`))).GetItem)
    : session(size);
  assert.deepEqual(found, expected, `${name} reads something else`);
}

module.exports = { checkRead, prepareAnswers, prepareRequests };
