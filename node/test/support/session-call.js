'use strict';

const { promisify } = require('node:util');

// Calls a method of a session that takes a callback, such as `save` or `destroy`.
module.exports = (session, method, ...args) => promisify((done) => session[method](...args, done))();
