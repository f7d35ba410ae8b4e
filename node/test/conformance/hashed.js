'use strict';

// A subject whose ids are hashed. Its sessions are listed without ids, so they are compared by their references.

const hashedKey = require('../support/hashed-key');

module.exports = (subject, hashIds = 'only') => ({
  ...subject,
  name: `${subject.name}, hashIds: '${hashIds}'`,
  options: { ...subject.options, hashIds },
  keyOf: hashedKey,
});
