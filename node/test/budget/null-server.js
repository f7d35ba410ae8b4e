'use strict';

// A DynamoDB that costs next to nothing: fixed bytes for every request, whatever it asks. Its own process, so
// that it is no part of what is measured. Prints its port; ends when its standard input does.

const net = require('net');
const { session, EXPIRES } = require('./session');

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

const crc32 = (bytes) => (~bytes.reduce((crc, byte) => CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8), -1)) >>> 0;

const attribute = (value) => {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(attribute) };
  return { M: Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, attribute(inner)])) };
};

const answer = (value) => {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from([
    'HTTP/1.1 200 OK',
    'Content-Type: application/x-amz-json-1.0',
    `Content-Length: ${body.length}`,
    'Connection: keep-alive',
    `Date: ${new Date().toUTCString()}`,
    'x-amzn-RequestId: 00000000000000000000000000000000000000000000000000AA',
    `x-amz-crc32: ${crc32(body)}`,
    '\r\n',
  ].join('\r\n')), body]);
};

const written = answer({});
const read = answer({
  Item: {
    sessionId: { S: 'id' },
    expires: { N: String(EXPIRES) },
    created: { N: '1700000000000' },
    session: attribute(session),
  },
});

// Splits what arrives into requests by their Content-Length.
function serve(socket) {
  let pending = '';
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = pending.slice(0, end).toLowerCase();
      const total = end + 4 + Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
      if (pending.length < total) return;
      pending = pending.slice(total);
      socket.write(head.includes('.getitem') ? read : written);
    }
  });
}

const server = net.createServer(serve);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
