'use strict';

// The conformance suite on the koa face.

const subjects = require('./koa');
const run = require('./run');

run(subjects);
