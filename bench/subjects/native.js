'use strict';

// JSON and a native call that does nothing. It shows the limit of a store in an addon with the asynchronous calls of
// napi-rs.

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
