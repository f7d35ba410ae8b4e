'use strict';

// Runs operations of one package when told to and reports what they cost the event loop's thread.
// Arguments: package, port. Messages: { operation, count } -> { microseconds } an operation.

const fs = require('fs');
const { create } = require('./store');
const { session } = require('./session');
const threadMicroseconds = require('./thread-cpu')(fs, process);

const IN_FLIGHT = 16;
const [name, port] = process.argv.slice(2);
const store = create(name, port);

const ID = '0123456789abcdef0123456789abcdef';
const operations = {
  get: () => store.get(ID),
  set: () => store.set(ID, session, 86400000),
};

async function run(operation, count) {
  const start = operations[operation];
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await start();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

process.on('message', async ({ operation, count }) => {
  const before = threadMicroseconds();
  await run(operation, count);
  const microseconds = (threadMicroseconds() - before) / count;
  const value = await store.get(ID);
  if (value.views !== session.views) throw new Error(`read ${JSON.stringify(value)}`);
  process.send({ microseconds });
});
