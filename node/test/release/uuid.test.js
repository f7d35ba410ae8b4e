'use strict';

// release/uuid.js on files that have what it looks at: load commands, pages, and the hashes of these pages.

const { describe, it } = require('node:test');
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const settleUuid = require('../../../release/uuid.js');

const PAGE = 4096;
const UUID_AT = 32 + 16 + 8;
const SIGNATURE_AT = 3 * PAGE - 100;
const DIRECTORY_AT = SIGNATURE_AT + 20;
const HASHES_AT = DIRECTORY_AT + 44;
const PAGES = 3;

const hashOf = (bytes) => createHash('sha256').update(bytes).digest();
const pageOf = (file, page) => file.subarray(page * PAGE, Math.min((page + 1) * PAGE, SIGNATURE_AT));
const signedAs = (file, page) => file.subarray(HASHES_AT + page * 32, HASHES_AT + (page + 1) * 32);

/** A file with this UUID, whose pages are filled with `filling`. */
const fileWith = (uuid, { isSigned = true, filling = 7, hasUuid = true } = {}) => {
  const commands = [
    { command: 0x32, bytes: 16 },
    ...(hasUuid ? [{ command: 0x1b, bytes: 24 }] : []),
    ...(isSigned ? [{ command: 0x1d, bytes: 16 }] : []),
  ];
  const file = Buffer.alloc(HASHES_AT + PAGES * 32, filling);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(commands.length, 16);
  let at = 32;
  commands.forEach(({ command, bytes }) => {
    file.writeUInt32LE(command, at);
    file.writeUInt32LE(bytes, at + 4);
    if (command === 0x1d) file.writeUInt32LE(SIGNATURE_AT, at + 8);
    at += bytes;
  });
  if (hasUuid) Buffer.from(uuid, 'hex').copy(file, UUID_AT);
  if (isSigned) {
    [0xfade0cc0, 20 + 44 + PAGES * 32, 1, 0, DIRECTORY_AT - SIGNATURE_AT].forEach((field, index) => {
      file.writeUInt32BE(field, SIGNATURE_AT + index * 4);
    });
    file.writeUInt32BE(0xfade0c02, DIRECTORY_AT);
    file.writeUInt32BE(HASHES_AT - DIRECTORY_AT, DIRECTORY_AT + 16);
    file.writeUInt32BE(SIGNATURE_AT, DIRECTORY_AT + 32);
    file.set([32, 2, 0, 12], DIRECTORY_AT + 36);
    for (let page = 0; page < PAGES; page += 1) hashOf(pageOf(file, page)).copy(file, HASHES_AT + page * 32);
  }
  return file;
};

const [ONE, OTHER] = ['11'.repeat(16), 'ee'.repeat(16)];
const settled = (file) => {
  settleUuid(file);
  return file;
};

describe('release/uuid.js', () => {
  [true, false].forEach((isSigned) => {
    it(`makes one file of two that differ in their UUID alone${isSigned ? ', signed' : ''}`, () => {
      const [one, other] = [ONE, OTHER].map((uuid) => fileWith(uuid, { isSigned }));
      assert.notDeepEqual(one, other);
      assert.deepEqual(settled(one), settled(other));
      const again = Buffer.from(one);
      assert.deepEqual(settled(again), one);
    });
  });

  it('gives other files other UUIDs, each a UUID of version 8', () => {
    const uuids = [1, 2].map((filling) => settled(fileWith(ONE, { filling })).subarray(UUID_AT, UUID_AT + 16).toString('hex'));
    assert.notEqual(uuids[0], uuids[1]);
    uuids.forEach((uuid) => assert.match(uuid, /^.{12}8.{3}[89ab].{15}$/));
  });

  it('leaves each page signed, and changes nothing but the UUID and the hash of its page', () => {
    const before = fileWith(ONE);
    const after = settled(Buffer.from(before));
    for (let page = 0; page < PAGES; page += 1) assert.deepEqual(signedAs(after, page), hashOf(pageOf(after, page)));
    const changed = [...before.keys()].filter((index) => before[index] !== after[index]);
    const isIn = (start, length) => (index) => index >= start && index < start + length;
    const [isOfUuid, isOfHash] = [isIn(UUID_AT, 16), isIn(HASHES_AT, 32)];
    assert.ok(changed.some(isOfUuid) && changed.some(isOfHash));
    assert.ok(changed.every((index) => isOfUuid(index) || isOfHash(index)), String(changed));
  });

  it('refuses what it cannot settle', () => {
    assert.throws(() => settleUuid(Buffer.alloc(64)), /not a 64-bit file for macOS/);
    assert.throws(() => settleUuid(fileWith(ONE, { hasUuid: false })), /it has no UUID/);
    const unknown = fileWith(ONE);
    unknown.writeUInt32BE(1, SIGNATURE_AT);
    assert.throws(() => settleUuid(unknown), /its signature is not one of/);
    const weak = fileWith(ONE);
    weak[DIRECTORY_AT + 37] = 1;
    assert.throws(() => settleUuid(weak), /no hashes of SHA-256/);
  });
});
