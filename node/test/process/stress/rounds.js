'use strict';

// For a script that is to do the same again and again, with `--expose-gc`: what it then holds more of.

const { setImmediate: turn } = require('node:timers/promises');
const { Vitals, judge } = require('../../support/vitals');

const ROUNDS = 12;

// Names of what grew, of all but time: how long a round takes is no leak.
module.exports = async function grown(work) {
  const vitals = new Vitals();
  const samples = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await work(round);
    // What is collected says so in turns of the event loop.
    for (let i = 0; i < 3; i += 1) {
      global.gc();
      await turn();
    }
    samples.push(vitals.sample());
  }
  vitals.stop();
  return judge(samples).filter(({ vital, flat }) => !flat && vital !== 'delayMs')
    .map(({ vital, before, last }) => `${vital} from ${before.toFixed(1)} to ${last.toFixed(1)}`);
};
