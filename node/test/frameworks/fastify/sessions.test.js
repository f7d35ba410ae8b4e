'use strict';

// The tests of ../express/sessions.js on @fastify/session.

const testSessions = require('../express/sessions');

testSessions(require('../../support/fastify'));
