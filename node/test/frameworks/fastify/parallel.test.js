'use strict';

// The tests of ../express/parallel.js on @fastify/session.

const testParallel = require('../express/parallel');

testParallel(require('../../support/fastify'));
