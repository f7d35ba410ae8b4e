'use strict';

// Every face whose page views are priced.

const koa = require('./koa');

module.exports = [...koa];
