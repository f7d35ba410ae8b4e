'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const timeLimit = require('./time-limit');

// Looks again and again until there is something truthy to see; fails after `ms`, which time-limit.js multiplies.
module.exports = async function until(what, look, ms = 10000) {
  const limit = timeLimit(ms);
  const end = Date.now() + limit;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain for: ${what}`);
    await delay(10);
  }
};
