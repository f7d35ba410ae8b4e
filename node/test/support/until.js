'use strict';

const { setTimeout: delay } = require('node:timers/promises');

// Looks again and again until there is something truthy to see; fails after `ms`.
module.exports = async function until(what, look, ms = 10000) {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for: ${what}`);
    await delay(10);
  }
};
