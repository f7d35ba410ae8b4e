'use strict';

const { after, before } = require('node:test');

// Something a whole test file uses: there when the tests run, stopped after them. The hooks of a file run side by
// side: one that builds on this waits for `started`.
module.exports = function use(start) {
  const used = {};
  used.started = start().then((started) => Object.assign(used, started));
  used.started.catch(() => {}); // it is the hook that fails
  before(() => used.started);
  after(() => used.stop?.());
  return used;
};
