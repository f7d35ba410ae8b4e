'use strict';

// How long a test waits before it says that something is late, in milliseconds. `make test-platforms` sets
// TEST_TIME_FACTOR: an emulated processor is many times slower than what the limits were made for.
module.exports = (ms) => ms * Number(process.env.TEST_TIME_FACTOR || 1);
