'use strict';

/** `require('koa-session-dynamodb-store')`. */

// Not by the class's own name: esbuild would give the class another one.
const koa = require('./frameworks/koa.js');

module.exports = koa.DynamoDBStore;
module.exports.default = module.exports;
module.exports.DynamoDBStore = module.exports;
