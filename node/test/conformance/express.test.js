'use strict';

// The conformance suite on the Express and Fastify face.

const subjects = require('./express');
const run = require('./run');

run(subjects);
