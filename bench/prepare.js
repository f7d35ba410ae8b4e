'use strict';

// What a run needs before it measures: that all subjects store and read equal data, on the local engine; the answers
// of the null server, which hold the very items they stored; the requests that the limits repeat.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { place, subject } = require('./peers.js');
const { SUBJECTS } = require('./plan.js');
const { KB, SIZES, session } = require('./session.js');

/** Asks the engine itself. */
async function api(url, operation, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': `DynamoDB_20120810.${operation}`,
      'X-Amz-Date': '20260101T000000Z',
      // The engine wants a signature and looks at none.
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

/** What DynamoDB answers when this item is there. */
function answersFor(Item, TableName, { capacity }) {
  const consumed = capacity ? { ConsumedCapacity: { TableName, CapacityUnits: 1 } } : {};
  return {
    '*': consumed,
    GetItem: { ...consumed, Item },
    Query: { Count: 1, Items: [Item], ScannedCount: 1 },
    // connect-dynamodb asks for what it has updated. Nobody else does, and reads it.
    UpdateItem: { ...consumed, ...(TableName === 'bench-connect-dynamodb' && { Attributes: { expires: Item.expires } }) },
  };
}

/** Has a subject store, read and delete each session, and keeps the item it stored. */
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
  await put(); // for what is measured on the engine
  await worker.stop();
}

/** The last request of some operations of a subject, by operation, as it went over the wire. */
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
  // Each client adds those two itself.
  const headers = lines.map((line) => line.split(/: */, 2)).filter(([name]) => !/^(host|content-length)$/i.test(name));
  return {
    method, path: target, headers, body,
  };
}

/** Before the null server starts: sessions, and what is stored of them. */
async function prepareAnswers(engine, directory, names) {
  for (const size of SIZES) {
    fs.writeFileSync(path.join(directory, `${size}.session.json`), JSON.stringify(session(size)));
  }
  for (const name of names.filter((each) => SUBJECTS[each].key)) await check(name, engine.address.url, directory);
}

/** And after: what is asked for them. */
async function prepareRequests(server, directory) {
  for (const size of SIZES) {
    await record('ours', ['get', 'set', 'rolling', 'destroy'], size, server, directory);
    await record('core', ['get', 'put', 'save', 'destroy'], size, server, directory);
  }
}

/** What a subject reads from a server of fixed answers must be what the others read. */
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
