'use strict';

// The tests of ../express/stored-cookies.js on fastify.

const testStoredCookies = require('../express/stored-cookies');

testStoredCookies(require('../../support/fastify'));
