'use strict';

/** `require('koa-session-dynamodb-store/express')`. */

// Not by the class's own name: esbuild would give the class another one.
const express = require('./frameworks/express.js');

module.exports = express.ExpressDynamoDBStore;
module.exports.default = module.exports;
module.exports.ExpressDynamoDBStore = module.exports;
// The older name, which both stores had.
module.exports.DynamoDBStore = module.exports;
