'use strict';

// A subject whose sessions are encrypted. The cases that look into the attributes of a session, and those of its size,
// are left out.

const ENCRYPTION = { keys: [{ id: 'k1', key: Buffer.alloc(32, 7) }], mode: 'on' };
const ENCRYPTED = 2; // the flags of docs/at-rest.md
const COMPRESSED = 1;
const UNMET = { 'plain-items': 8, 'size-limit': 3 };

module.exports = (subject, { compress = false } = {}) => ({
  ...subject,
  name: `${subject.name}, sealed${compress ? ' and compressed' : ''}`,
  options: { ...subject.options, encryption: ENCRYPTION, compress },
  flags: ENCRYPTED + (compress ? COMPRESSED : 0),
  unmet: { ...subject.unmet, ...UNMET },
});
