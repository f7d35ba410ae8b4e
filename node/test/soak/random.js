'use strict';

// Random choices that a seed repeats (mulberry32).

class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  // From 0 up to, and without, 1.
  number() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability) {
    return this.number() < probability;
  }

  // A whole number below `end`.
  below(end) {
    return Math.floor(this.number() * end);
  }

  of(list) {
    return list[this.below(list.length)];
  }
}

module.exports = Random;
