'use strict';

// A native call that does nothing, and JSON: the limit of what a store in an addon can be that is called as napi-rs
// calls what is asynchronous.

const { readFileSync } = require('node:fs');
const { constants: { dlopen } } = require('node:os');

exports.open = ({ addon, session }) => {
  const native = { exports: {} };
  process.dlopen(native, addon, dlopen.RTLD_LAZY);
  const { echo, discard } = native.exports;
  const text = readFileSync(session, 'utf8');

  return {
    get: () => echo(text).then(JSON.parse),
    set: (id, value) => discard(JSON.stringify(value)),
    destroy: (id) => discard(id),
    close() {},
  };
};
