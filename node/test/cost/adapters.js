'use strict';

// Every adapter whose page views are priced.

const express = require('./express');
const koa = require('./koa');

module.exports = [...koa, ...express];
