'use strict';

// The key of a session whose id is hashed, by docs/at-rest.md.

const crypto = require('node:crypto');

const LABEL = 'dynamodb-session/id/1\0';

module.exports = (id) => `h1.${crypto.createHash('sha256').update(LABEL).update(id).digest('base64url')}`;
