'use strict';

// The tests of ./stored-cookies.js on express.

const testStoredCookies = require('./stored-cookies');

testStoredCookies(require('../../support/express'));
