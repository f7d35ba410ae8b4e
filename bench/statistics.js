'use strict';

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[Math.floor(middle)];
}

/** Half the distance from the least to the most, as a part of the median. */
const spread = (numbers) => (Math.max(...numbers) - Math.min(...numbers)) / 2 / median(numbers);

/** How many times one is the other: each round is compared with itself, so that slow drifts cancel out. */
const ratio = (of, to, measure) => median(of.map((round, index) => round[measure] / to[index][measure]));

module.exports = { median, ratio, spread };
