'use strict';

// Opens the envelopes of docs/at-rest.md, from that page alone. It shares no code with the package.

const { createDecipheriv, createHmac } = require('node:crypto');
const zlib = require('node:zlib');

const COMPRESSED = 1;
const ENCRYPTED = 2;
const PADDED = 4;
const HEADER = 46;
const TAG = 16;
const MOST_INFLATED = 4 * 1024 * 1024;

const hmac = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts)).digest();

// HKDF with SHA-256 (RFC 5869). `hkdfSync` of Node takes an `info` of at most 1024 bytes, and keys can be longer.
function hkdf(master, salt, info, length) {
  const secret = hmac(salt, master);
  let block = Buffer.alloc(0);
  let output = block;
  for (let count = 1; output.length < length; count += 1) {
    block = hmac(secret, block, info, Buffer.from([count]));
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

function number64(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

// What beside the envelope must not change, and the label of its key.
function partOf({ rev, expires, reference }) {
  if (expires !== undefined) return { label: 'unit', beside: number64(expires) };
  if (reference !== undefined) return { label: 'user-label', beside: Buffer.from(reference) };
  return rev === undefined ? { label: 'user-secret', beside: Buffer.alloc(0) } : { label: 'session', beside: rev };
}

function decrypt(envelope, keys, place) {
  if (envelope.length < HEADER + TAG) throw new Error('too short');
  const header = envelope.subarray(0, HEADER);
  const id = header.subarray(2, 6).toString('latin1').replace(/\0+$/, '');
  const key = keys[id];
  if (!key) throw new Error(`no key ${id}`);
  const context = Buffer.from(place.context);
  const { label, beside } = partOf(place);
  const info = Buffer.concat([
    Buffer.from(`dynamodb-session/2/${label}`), number64(context.length), context, Buffer.from(place.storedKey),
  ]);
  const derived = hkdf(key, header.subarray(6, 30), info, 48);
  if (!derived.subarray(32).equals(header.subarray(30, 46))) throw new Error('another key, or another place');
  const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), Buffer.alloc(12), { authTagLength: TAG });
  decipher.setAAD(Buffer.concat([header, number64(place.created), beside]));
  decipher.setAuthTag(envelope.subarray(-TAG));
  return Buffer.concat([decipher.update(envelope.subarray(HEADER, -TAG)), decipher.final()]);
}

// `keys`: 32 bytes by id. `place`: { context, storedKey, created, rev } of a session, { …, expires } of a unit. Of the
// secret for users' keys { context, storedKey, created: 0 }, of a label { …, reference }.
function open(envelope, keys, place) {
  const [layout, flags] = envelope;
  // eslint-disable-next-line no-bitwise
  const has = (flag) => (flags & flag) !== 0;
  if (layout !== 1 || !(flags < 8)) throw new Error(`layout ${layout}, flags ${flags}`);
  let data = has(ENCRYPTED) ? decrypt(envelope, keys, place) : envelope.subarray(2);
  if (has(PADDED)) {
    if (!has(ENCRYPTED)) throw new Error('only encrypted data are padded');
    data = data.subarray(4, 4 + data.readUInt32BE(0));
  }
  return has(COMPRESSED) ? zlib.inflateRawSync(data, { maxOutputLength: MOST_INFLATED }) : data;
}

module.exports = open;
