'use strict';

/** `require('koa-session-dynamodb-store')`. */

// Not by the class's own name: esbuild would give the class another one.
const koa = require('./frameworks/koa.js');

module.exports = koa.KoaDynamoDBStore;
module.exports.default = module.exports;
module.exports.KoaDynamoDBStore = module.exports;
// The older name, which both stores had.
module.exports.DynamoDBStore = module.exports;
