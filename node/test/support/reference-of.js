'use strict';

// The reference of the session with this key, by docs/at-rest.md.

const crypto = require('node:crypto');

const LABEL = 'dynamodb-session/ref/1\0';

module.exports = (key) => crypto.createHash('sha256').update(LABEL).update(key).digest('hex')
  .slice(0, 24);
