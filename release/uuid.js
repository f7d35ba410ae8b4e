'use strict';

// Gives a file for macOS a UUID that follows from its other bytes, as Apple's linker does. zig draws one at random, and
// so the same sources would never give the same file twice.

const { createHash } = require('node:crypto');

/** Of <mach-o/loader.h>; all numbers are little-endian. */
const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const COMMAND_UUID = 0x1b;
const COMMAND_CODE_SIGNATURE = 0x1d;
const UUID_BYTES = 16;

/** Of <kern/cs_blobs.h>; all numbers are big-endian. */
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const SHA256 = 2;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** The load commands of a file: each its number, and where it begins. */
function* commandsOf(file) {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error('not a 64-bit file for macOS');
  const count = file.readUInt32LE(16);
  for (let index = 0, at = HEADER_BYTES; index < count; index += 1, at += file.readUInt32LE(at + 4)) {
    yield { command: file.readUInt32LE(at), at };
  }
}

/** The hashes of a signature: where they are, and of which pages. */
function codeDirectoryIn(file, start) {
  if (file.readUInt32BE(start) !== SUPER_BLOB) throw new Error('its signature is not one of <kern/cs_blobs.h>');
  const count = file.readUInt32BE(start + 8);
  const offsets = Array.from({ length: count }, (_, index) => file.readUInt32BE(start + 16 + index * 8));
  const at = offsets.map((offset) => start + offset).find((blob) => file.readUInt32BE(blob) === CODE_DIRECTORY);
  if (at === undefined || file[at + 37] !== SHA256) throw new Error('its signature has no hashes of SHA-256');
  return {
    hashes: at + file.readUInt32BE(at + 16),
    limit: file.readUInt32BE(at + 32),
    hashBytes: file[at + 36],
    pageBytes: 2 ** file[at + 39],
  };
}

/** Signs the page anew that holds the byte `changed`. Only what is signed ad hoc has no more to it. */
function signAgain(file, start, changed) {
  const {
    hashes, limit, hashBytes, pageBytes,
  } = codeDirectoryIn(file, start);
  const page = Math.floor(changed / pageBytes);
  const bytes = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit));
  sha256(bytes).copy(file, hashes + page * hashBytes);
}

/** Changes the bytes of a file. */
function settleUuid(file) {
  const commands = [...commandsOf(file)];
  const ofUuid = commands.find(({ command }) => command === COMMAND_UUID);
  if (!ofUuid) throw new Error('it has no UUID');
  const at = ofUuid.at + 8;
  const ofSignature = commands.find(({ command }) => command === COMMAND_CODE_SIGNATURE);
  const signature = ofSignature && file.readUInt32LE(ofSignature.at + 8);
  file.fill(0, at, at + UUID_BYTES);
  const uuid = sha256(file.subarray(0, signature)).subarray(0, UUID_BYTES);
  // RFC 9562: version 8, made by a rule of one's own.
  uuid[6] = (uuid[6] % 16) + 0x80;
  uuid[8] = (uuid[8] % 64) + 0x80;
  uuid.copy(file, at);
  if (signature === undefined) return;
  for (const changed of new Set([at, at + UUID_BYTES - 1])) signAgain(file, signature, changed);
}

module.exports = settleUuid;
