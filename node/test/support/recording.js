'use strict';

// A store class whose calls are noted in `calls`, in the shape of the traces in ../fixtures: what is a session as it
// would be in JSON, a callback by how many parameters it has.

const METHODS = ['get', 'set', 'destroy', 'touch'];

const noted = (arg) => {
  if (typeof arg === 'function') return `callback/${arg.length}`;
  return arg === undefined ? null : JSON.parse(JSON.stringify(arg));
};

module.exports = function recording(Store, calls) {
  class Recording extends Store {}
  METHODS.forEach((method) => {
    Recording.prototype[method] = function record(...args) {
      calls.push([method, ...args.map(noted)]);
      return Store.prototype[method].apply(this, args);
    };
  });
  return Recording;
};
