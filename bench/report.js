'use strict';

// Writes the results of a full run as docs/benchmarks.md.

const { SIZES, KB } = require('./session.js');
const {
  KOA, MANY, NODE, RUST, SEALED, START, STORES, SUBJECTS, nameOf,
} = require('./plan.js');
const { median, ratio, spread } = require('./statistics.js');
const { targetTable } = require('./targets.js');

/** If the server uses this share of a core or more, it may limit the operations per second. */
const BUSY = 0.9;

/** The number with three digits, or with all digits before the point. */
function digits(number) {
  if (number >= 1000) return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ' ');
  return String(Number(number.toPrecision(3)));
}

const all = (rounds, measure) => rounds.map((round) => round[measure]);

function cell(rounds, measure) {
  const numbers = all(rounds, measure);
  if (numbers[0] === undefined) return '';
  const isLimited = measure === 'perSecond' && median(all(rounds, 'serverBusy')) >= BUSY;
  return `${digits(median(numbers))} ± ${Math.round(spread(numbers) * 100)} %${isLimited ? ' ‡' : ''}`;
}

const MEASURES = {
  loopUs: 'event-loop CPU, µs',
  processUs: 'process CPU, µs',
  perSecond: 'operations/s',
  p50Ms: 'p50, ms',
  p99Ms: 'p99, ms',
  rssMb: 'peak RSS, MB',
  delayP50Ms: 'event-loop delay p50, ms',
  delayP99Ms: 'p99, ms',
  openMs: 'require, ms',
  totalMs: 'require + first get, ms',
};

const table = (head, rows) => [head, head.map(() => '---'), ...rows]
  .map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const title = (name) => (['ours', 'core'].includes(name) ? `**${SUBJECTS[name].title}**` : SUBJECTS[name].title);

/** One scenario: a row for each of its subjects. */
const scenarioTable = (results, names, measures) => table(
  ['', ...measures.map((measure) => MEASURES[measure])],
  names.filter((name) => results[name]).map((name) => (
    [title(name), ...measures.map((measure) => cell(results[name], measure))])),
);

/** Several scenarios with one measure: a row for each subject, a column for each scenario. */
const acrossTable = (runs, names, columns, measure) => table(
  ['', ...columns.map(([head]) => head)],
  names.map((name) => [
    title(name), ...columns.map(([, id]) => (runs[id]?.[name] ? cell(runs[id][name], measure) : '')),
  ]),
);

/** The values of the others as multiples of the first. */
function ratioTable(rows, names) {
  const times = (value) => `${Number(value.toPrecision(value < 100 ? 2 : 3))} ×`;
  return table(['', ...names.map((name) => SUBJECTS[name].title)], rows.map(([head, results, measure, first]) => [
    head,
    ...names.map((name) => {
      if (!results[name]) return '';
      const value = ratio(results[name], results[first], measure);
      return times(measure === 'perSecond' ? 1 / value : value);
    }),
  ]));
}

const columnsOf = (list, head, id) => ['get', 'set'].flatMap((operation) => (
  list.map((each) => [`${operation}, ${head(each)}`, id(operation, each)])));

const kilobytes = (size) => `${Number((size / KB).toPrecision(1))} KB`;
const others = (list, name) => list.filter((each) => each !== name);

function report(results) {
  const {
    runs, start, koa, memory, installed, addonBytes, environment,
  } = results;
  const at = (operation, inFlight = 16, size = KB) => runs[nameOf('null', operation, inFlight, size)];
  const rust = (operation, inFlight = 16, size = KB) => runs[`rust ${nameOf('null', operation, inFlight, size)}`];
  const inFlight = [1, 16, 256, MANY];
  const load = (measure) => acrossTable(runs, NODE, columnsOf(inFlight, (each) => `${each} in flight`, (operation, each) => (
    nameOf('null', operation, each))), measure);
  const size = (measure) => acrossTable(runs, NODE, columnsOf(SIZES, kilobytes, (operation, each) => (
    nameOf('null', operation, 16, each))), measure);
  const koaTitle = (name) => SUBJECTS[name]?.title ?? 'in the process\'s memory, JSON alone';
  const koaTable = (found) => table(
    ['store', 'main-thread CPU ÷ over memory', 'main-thread CPU, µs', 'requests/s', 'p99, ms'],
    KOA.map((name) => [
      koaTitle(name),
      `${ratio(found[name], found.memory, 'loopUs').toFixed(2)} ×`,
      ...['loopUs', 'perSecond', 'p99Ms'].map((measure) => cell(found[name], measure)),
    ]),
  );

  return `# Benchmarks

Written by \`make bench\`. The ratios are the result: each compares rounds that took turns in one run. The times are from
one machine, named at the end. "Set" is the write of koa-session after a request that read and changed its session,
"rolling" after one that only read it. A row called limit is not a store: it shows the cost that remains if a store costs nothing.

![What a session costs this package and its peers](benchmarks.svg)

## Ratios

How many times as much the others take as this package, at 1 KB and 16 in flight, against a server that answers at once. For
operations per second: how many times as many this package completes.

${ratioTable([
    ...['get', 'set', 'rolling', 'destroy'].map((operation) => [
      `event-loop CPU, ${operation}`, at(operation), 'loopUs', 'ours']),
    ...['get', 'set', 'rolling', 'destroy'].map((operation) => [
      `process CPU, ${operation}`, at(operation), 'processUs', 'ours']),
    ...['get', 'set'].map((operation) => [`operations per second, ${operation}`, at(operation), 'perSecond', 'ours']),
    ['peak RSS', at('set'), 'rssMb', 'ours'],
    ['require + first get, plain', start.plain, 'totalMs', 'ours'],
    ['require + first get, TLS, environment credentials', start.tls, 'totalMs', 'ours'],
  ], others(NODE, 'ours'))}

The same for the Rust core:

${ratioTable([
    ...['get', 'put'].map((operation) => [`process CPU, ${operation}`, rust(operation), 'processUs', 'core']),
    ...['get', 'put'].map((operation) => [`operations per second, ${operation}`, rust(operation), 'perSecond', 'core']),
  ], others(RUST, 'core').filter((name) => rust('get')[name]))}

## Targets

${targetTable(results)}

## Koa

The CPU time of the main thread for a request to an app with koa-session, 16 requests in flight. The first table is of requests that read
their session, the second of requests that change it. The store in memory answers in a later turn of the event loop, as all others do.

${koaTable(koa.reading)}

${koaTable(koa.writing)}

## Node.js: 1 KB, 16 in flight

Medians of rounds, ± half of the difference between the lowest and the highest. ‡: the server was ${BUSY * 100} % busy, so it may be the
limit.

${['get', 'set', 'rolling', 'destroy'].map((operation) => `### ${operation}\n\n${scenarioTable(at(operation), NODE, [
    'loopUs', 'processUs', 'perSecond', 'p50Ms', 'p99Ms', 'rssMb'])}`).join('\n\n')}

## Node.js: more and fewer in flight, 1 KB

Event-loop CPU, µs:

${load('loopUs')}

Process CPU, µs:

${load('processUs')}

Operations per second:

${load('perSecond')}

p99, ms:

${load('p99Ms')}

Peak RSS, MB, of processes that have run all earlier scenarios:

${load('rssMb')}

## Node.js: larger and smaller sessions, 16 in flight

Event-loop CPU, µs:

${size('loopUs')}

Process CPU, µs:

${size('processUs')}

Operations per second:

${size('perSecond')}

## Node.js: encrypted sessions, 16 in flight

${[KB, 10 * KB].flatMap((each) => ['get', 'set'].map((operation) => (
    `### ${operation}, ${kilobytes(each)}\n\n${scenarioTable(runs[`sealed ${nameOf('null', operation, 16, each)}`], SEALED, [
      'loopUs', 'processUs', 'perSecond', 'p99Ms'])}`))).join('\n\n')}

## Node.js: as far away as DynamoDB

The server answers after 5 ms ± 1 ms; 1 KB, 16 in flight. The event-loop delay is how late a timer of 1 ms fires.

${['get', 'set'].map((operation) => `### ${operation}\n\n${scenarioTable(runs[nameOf('delay', operation)], STORES, [
    'perSecond', 'p50Ms', 'p99Ms', 'loopUs', 'delayP50Ms', 'delayP99Ms'])}`).join('\n\n')}

## Node.js: on the local engine

In memory, 1 KB, 16 in flight.

${['get', 'set'].map((operation) => `### ${operation}\n\n${scenarioTable(runs[nameOf('engine', operation)], STORES, [
    'loopUs', 'processUs', 'perSecond', 'p50Ms', 'p99Ms'])}`).join('\n\n')}

## Node.js: start

In a process of its own, from before \`require\` to the end of the first \`get\`. Plain HTTP with credentials in the options, then
TLS with credentials in the environment.

${['plain', 'tls'].map((kind) => scenarioTable(start[kind], START, ['openMs', 'totalMs'])).join('\n\n')}

${table(['', 'installed, MB'], STORES.map((name) => [title(name), (installed[name] / 1e6).toFixed(1)]))}

The addon alone: ${(addonBytes / 1e6).toFixed(1)} MB.

## Rust: 1 KB

One thread. "Put" writes the session, "save" compares it with the loaded one first.

${[16, 1, 256].flatMap((each) => ['get', 'put'].map((operation) => (
    `### ${operation}, ${each} in flight\n\n${scenarioTable(rust(operation, each), RUST, [
      'processUs', 'perSecond', 'p50Ms', 'p99Ms', 'rssMb'])}`))).join('\n\n')}

### save, 16 in flight

${scenarioTable(rust('save'), RUST, ['processUs', 'perSecond', 'p50Ms', 'p99Ms', 'rssMb'])}

## Rust: larger and smaller sessions, 16 in flight

Process CPU, µs:

${acrossTable(runs, RUST.filter((name) => rust('get')[name]), ['get', 'put'].flatMap((operation) => SIZES.map((each) => [
    `${operation}, ${kilobytes(each)}`, `rust ${nameOf('null', operation, 16, each)}`])), 'processUs')}

Peak allocation of a call of the core, in bytes for each byte of the session:

${table(['', ...SIZES.map(kilobytes)], Object.entries(memory).map(([operation, sizes]) => (
    [operation, ...SIZES.map((each) => sizes[each].toFixed(1))])))}

## Machine

${table(['', ''], Object.entries(environment))}
`;
}

module.exports = { report };
