'use strict';

const callsIn = ({ operations, skippedTouches }) => Object.values(operations)
  .reduce((sum, { calls }) => sum + calls, skippedTouches);

// Whether a store dropped a write, which is no error. The first one that finds its session gone is counted; those
// after it are not even sent.
module.exports = async function outcomeOf(store, write) {
  const earlier = store.stats();
  await write();
  const stats = store.stats();
  const isDropped = stats.conflicts > earlier.conflicts || callsIn(stats) === callsIn(earlier);
  return isDropped ? 'gone' : 'written';
};
