'use strict';

// The tests of ./parallel.js on express-session.

const testParallel = require('./parallel');

testParallel(require('../../support/express'));
