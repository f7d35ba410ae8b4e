'use strict';

// The two packages under comparison, configured alike and pointed at the null server.

const PACKAGES = { ours: '../..', legacy: 'legacy' };

const create = (name, port) => {
  const Store = require(PACKAGES[name]); // eslint-disable-line
  return new Store({
    dynamoConfig: {
      region: 'local',
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: 'dummyKey',
      secretAccessKey: 'dummyKey',
    },
  });
};

module.exports = { create };
