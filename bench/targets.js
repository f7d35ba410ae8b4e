'use strict';

// The targets of this package. They limit ratios within one run on one machine, not times.

const { KB } = require('./session.js');
const { MANY, nameOf } = require('./plan.js');
const { median, ratio } = require('./statistics.js');

const PEERS = { legacy: 'legacy', 'sdk-v3': 'AWS SDK v3' };
const two = (number) => number.toPrecision(number < 100 ? 2 : 3);
const times = (number) => `${Number(two(number))} ×`;
const part = (number) => `1/${Number(two(number))}`;
const every = (values, test) => values.length > 0 && values.every(({ value }) => test(value));
const list = (values, format) => values.map(({ name, value }) => `${name} ${format(value)}`).join(', ');

const medianOf = (rounds, measure) => median(rounds.map((round) => round[measure]));

/** What some peers take of a measure for each that this package takes, at both operations. */
function against(runs, inFlight, measure, peers, flip = false) {
  return ['get', 'set'].flatMap((operation) => {
    const results = runs[nameOf('null', operation, inFlight)];
    return peers.map((peer) => {
      const value = ratio(results[peer], results.ours, measure);
      return { name: `${operation} of ${PEERS[peer]}`, value: flip ? 1 / value : value };
    });
  });
}

const BOTH = Object.keys(PEERS);

/** A ratio of encrypted sessions, at each size and operation. */
const sealed = (runs, of) => [KB, 10 * KB].flatMap((size) => ['get', 'set'].map((operation) => (
  { name: `${operation}, ${size / KB} KB`, value: of(runs[`sealed ${nameOf('null', operation, 16, size)}`]) })));

/** Each returns what was found; `passed` is undefined if nothing was measured. */
const TARGETS = [
  ['event-loop CPU of get and changed set', '≤ 1/50 of legacy and of AWS SDK v3', ({ runs }) => {
    const found = against(runs, 16, 'loopUs', BOTH);
    return { found: list(found, part), passed: every(found, (value) => value >= 50) };
  }],
  ['process CPU', '≤ 1/12', ({ runs }) => {
    const found = against(runs, 16, 'processUs', BOTH);
    return { found: list(found, part), passed: every(found, (value) => value >= 12) };
  }],
  ['operations per second, one process', '≥ 15 × legacy', ({ runs }) => {
    const found = against(runs, 16, 'perSecond', ['legacy'], true);
    return { found: list(found, times), passed: every(found, (value) => value >= 15) };
  }],
  ['one in flight: event-loop CPU', '≤ 1/25 of legacy', ({ runs }) => {
    const found = against(runs, 1, 'loopUs', ['legacy']);
    return { found: list(found, part), passed: every(found, (value) => value >= 25) };
  }],
  ['one in flight: process CPU', '≤ 1/5 of legacy', ({ runs }) => {
    const found = against(runs, 1, 'processUs', ['legacy']);
    return { found: list(found, part), passed: every(found, (value) => value >= 5) };
  }],
  ['one in flight: operations per second', '≥ 3.5 × legacy', ({ runs }) => {
    const found = against(runs, 1, 'perSecond', ['legacy'], true);
    return { found: list(found, times), passed: every(found, (value) => value >= 3.5) };
  }],
  ['require + first get, plain', '≤ 1/40 of legacy', ({ start }) => {
    const value = ratio(start.plain.legacy, start.plain.ours, 'totalMs');
    return { found: part(value), passed: value >= 40 };
  }],
  ['require + first get, TLS and environment credentials', '≤ 1/30 of legacy', ({ start }) => {
    const value = ratio(start.tls.legacy, start.tls.ours, 'totalMs');
    return { found: part(value), passed: value >= 30 };
  }],
  ['RSS under load', '≤ 0.6 × legacy', ({ runs }) => {
    const { ours, legacy } = runs[nameOf('null', 'set')];
    const value = ratio(ours, legacy, 'rssMb');
    return { found: times(value), passed: value <= 0.6 };
  }],
  ['Koa, main-thread CPU of a request that reads', '≤ 1.1 × the same over memory', ({ koa }) => {
    const value = ratio(koa.reading.ours, koa.reading.memory, 'loopUs');
    return { found: `${value.toFixed(2)} ×`, passed: value <= 1.1 };
  }],
  ['Koa, main-thread CPU of a request that writes', '≤ 1.2 × the same over memory', ({ koa }) => {
    const value = ratio(koa.writing.ours, koa.writing.memory, 'loopUs');
    return { found: `${value.toFixed(2)} ×`, passed: value <= 1.2 };
  }],
  ['Rust core, CPU of load and put', '≤ 2.5 × wrk', ({ runs }) => {
    const found = ['get', 'put'].map((operation) => [operation, runs[`rust ${nameOf('null', operation)}`]])
      .filter(([, results]) => results.wrk)
      .map(([name, { core, wrk }]) => ({ name, value: ratio(core, wrk, 'processUs') }));
    if (found.length === 0) return { found: 'wrk is not installed' };
    return { found: list(found, times), passed: every(found, (value) => value <= 2.5) };
  }],
  ['Rust core, CPU of load and put', '≤ 1/7 of aws-sdk-dynamodb', ({ runs }) => {
    const found = ['get', 'put'].map((name) => {
      const results = runs[`rust ${nameOf('null', name)}`];
      return { name, value: ratio(results['aws-sdk'], results.core, 'processUs') };
    });
    return { found: list(found, part), passed: every(found, (value) => value >= 7) };
  }],
  ['addon, stripped, with the whole credential chain', '≤ 7 MB', ({ addonBytes }) => {
    const megabytes = addonBytes / 1e6;
    return { found: `${megabytes.toFixed(1)} MB`, passed: megabytes <= 7 };
  }],
  ['growth with size: process CPU of each KB more, 10 to 100 KB ÷ 1 to 10 KB', '≤ 1.25', ({ runs }) => {
    const found = ['get', 'set'].map((name) => {
      const [one, ten, hundred] = [KB, 10 * KB, 100 * KB].map((size) => (
        medianOf(runs[nameOf('null', name, 16, size)].ours, 'processUs')));
      return { name, value: (hundred - ten) / 90 / ((ten - one) / 9) };
    });
    return { found: list(found, (value) => value.toFixed(2)), passed: every(found, (value) => value <= 1.25) };
  }],
  ['encrypted: event-loop CPU', '≤ 1.03 × the same without', ({ runs }) => {
    const found = sealed(runs, (results) => ratio(results.sealed, results.ours, 'loopUs'));
    return { found: list(found, (value) => `${value.toFixed(2)} ×`), passed: every(found, (value) => value <= 1.03) };
  }],
  ['encrypted: process CPU', '≤ 1.35 × the same without', ({ runs }) => {
    const found = sealed(runs, (results) => ratio(results.sealed, results.ours, 'processUs'));
    return { found: list(found, (value) => `${value.toFixed(2)} ×`), passed: every(found, (value) => value <= 1.35) };
  }],
  ['encrypted: process CPU', '≤ 1/5 of connect-dynamodb with node:crypto', ({ runs }) => {
    const found = sealed(runs, (results) => ratio(results['connect-dynamodb-crypto'], results.sealed, 'processUs'));
    return { found: list(found, part), passed: every(found, (value) => value >= 5) };
  }],
  // The peak is taken at 100 KB, because each call needs a few KB at any size.
  ['growth with size: peak memory of a call of the core, at 100 KB', '≤ 3 × the session', ({ memory }) => {
    const found = Object.entries(memory).map(([name, sizes]) => ({ name, value: sizes[100 * KB] }));
    return { found: list(found, times), passed: every(found, (value) => value <= 3) };
  }],
  ['growth with load: operations per second, 1 000 in flight ÷ 16', 'does not fall (≥ 0.95)', ({ runs }) => {
    const found = ['get', 'set'].map((name) => {
      const [few, many] = [16, MANY].map((inFlight) => medianOf(runs[nameOf('null', name, inFlight)].ours, 'perSecond'));
      return { name, value: many / few };
    });
    return { found: list(found, (value) => value.toFixed(2)), passed: every(found, (value) => value >= 0.95) };
  }],
];

const MARKS = { true: 'pass', false: '**falls short**', undefined: 'not measured' };

/** The table of targets, in Markdown. */
function targetTable(results) {
  const rows = TARGETS.map(([what, limit, look]) => {
    const { found, passed } = look(results);
    return `| ${what} | ${limit} | ${found} | ${MARKS[passed]} |`;
  });
  return ['| | target | found | |', '|---|---|---|---|', ...rows].join('\n');
}

module.exports = { medianOf, targetTable };
