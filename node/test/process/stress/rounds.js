'use strict';

// Repeats an action in a script with `--expose-gc`, and reports which resources have grown.

const { setImmediate: turn } = require('node:timers/promises');
const { Vitals, judge } = require('../../support/vitals');

const ROUNDS = 12;

// The names of the resources that grew. Time is left out: a slow round is not a leak.
module.exports = async function grown(work) {
  const vitals = new Vitals();
  const samples = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await work(round);
    // Finalizers of collected objects run in later turns of the event loop.
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
