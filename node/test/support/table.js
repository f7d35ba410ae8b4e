'use strict';

const { unique } = require('./options');
const { rawTable } = require('./raw');
const use = require('./use');

/** For the top of a test file: a table of its own on the engine, whose `name` is there at once. */
module.exports = function useTable(engine, label, key = undefined) {
  const name = unique(label);
  const table = use(async () => {
    await engine.started;
    const raw = rawTable(engine.endpoint, name, key);
    await raw.create();
    return raw;
  });
  return Object.assign(table, { name });
};
