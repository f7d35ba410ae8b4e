'use strict';

// The conformance suite on the class for Express and Fastify.

const subjects = require('./express');
const run = require('./run');

run(subjects);
