'use strict';

// The conformance suite on the class for Koa.

const subjects = require('./koa');
const run = require('./run');

run(subjects);
