'use strict';

// The tests of ./sessions.js on express-session.

const testSessions = require('./sessions');

testSessions(require('../../support/express'));
