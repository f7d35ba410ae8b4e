'use strict';

// Whether a store dropped a write, which is no error and only counted.
module.exports = async function outcomeOf(store, write) {
  const { conflicts } = store.stats();
  await write();
  return store.stats().conflicts === conflicts ? 'written' : 'gone';
};
