'use strict';

// A point in handlers where requests wait until the test lets them go on: what makes "meanwhile" certain.

const timeLimit = require('./time-limit');

const DEADLINE = timeLimit(10000);

module.exports = class Gate {
  #waiting = 0;

  #expected = new Map();

  #open;

  #opened = new Promise((resolve) => { this.#open = resolve; });

  // For the handler: waits until the gate is opened.
  pass() {
    this.#waiting += 1;
    this.#expected.get(this.#waiting)?.();
    return this.#opened;
  }

  // Settles once `count` requests wait here.
  async arrived(count = 1) {
    if (this.#waiting >= count) return;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#waiting} of ${count} requests came to the gate`)), DEADLINE);
      this.#expected.set(count, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  open() {
    this.#open();
  }
};
