'use strict';

// The subjects, the scenarios and the durations.

const path = require('node:path');
const { KB, SIZES } = require('./session.js');

/**
 * `key`: the partition key of its table. A subject without a table has `answers`, the subject whose answers it gets.
 * `capacity`: it requests the consumed capacity.
 */
const SUBJECTS = {
  ours: { title: 'this package', key: 'sessionId', capacity: true },
  legacy: { title: 'koa-session-dynamodb-store 1.1.1', key: 'sessionId' },
  sealed: { title: 'this package, encrypted', key: 'sessionId', capacity: true },
  'connect-dynamodb': { title: 'connect-dynamodb 3', key: 'id' },
  'connect-dynamodb-crypto': { title: 'connect-dynamodb 3, node:crypto', key: 'id' },
  'sdk-v3': { title: 'AWS SDK v3, lib-dynamodb', key: 'sessionId' },
  http: { title: 'limit: node:http, unsigned', answers: 'ours' },
  native: { title: 'limit: empty native call, JSON', answers: 'ours' },
  core: { title: 'this core', key: 'sessionId', capacity: true },
  'aws-sdk': { title: 'store on aws-sdk-dynamodb', key: 'sessionId' },
  tower: { title: 'tower-sessions-dynamodb-store 0.3', key: 'session_id' },
  hyper: { title: 'limit: hyper, unsigned', answers: 'core' },
  wrk: { title: 'limit: wrk', answers: 'core' },
};

const NODE = ['ours', 'legacy', 'connect-dynamodb', 'sdk-v3', 'http', 'native'];
const RUST = ['core', 'aws-sdk', 'tower', 'hyper', 'wrk'];
const STORES = NODE.slice(0, 4);
/** Encrypted sessions, and the same stores without encryption. */
const SEALED = ['ours', 'sealed', 'connect-dynamodb', 'connect-dynamodb-crypto'];
/** The stores of the Koa app. */
const KOA = ['memory', 'ours', 'legacy', 'sdk-v3'];
const START = ['ours', 'legacy', 'connect-dynamodb', 'sdk-v3', 'http'];

/** The most calls in flight. Of one session, the store lets a thousand saves wait. */
const MANY = 1000;

/** A scenario: an operation at a size, with a number of calls in flight. */
const scenario = (subjects, server, operation, inFlight = 16, size = KB) => ({
  id: nameOf(server, operation, inFlight, size), subjects, server, operation, inFlight, size,
});

function nameOf(server, operation, inFlight = 16, size = KB) {
  return `${server} ${operation} ${inFlight} ${size}`;
}

const across = (list, make) => list.flatMap(make);
const OTHER_SIZES = SIZES.filter((size) => size !== KB);

// The first two scenarios run in new processes, because they compare memory.
const FULL = {
  warmUpSeconds: 2,
  seconds: 0.5,
  rounds: 5,
  startRounds: 9,
  scenarios: [
    ...across(['get', 'set', 'rolling', 'destroy'], (operation) => scenario(NODE, 'null', operation)),
    ...across([1, 256], (inFlight) => across(['get', 'set'], (operation) => (
      scenario(NODE, 'null', operation, inFlight)))),
    ...across(['get', 'set'], (operation) => scenario(['ours', 'legacy'], 'null', operation, MANY)),
    ...across(OTHER_SIZES, (size) => across(['get', 'set'], (operation) => (
      scenario(NODE, 'null', operation, 16, size)))),
    ...across(['get', 'set'], (operation) => scenario(STORES, 'delay', operation)),
    ...across(['get', 'set'], (operation) => scenario(STORES, 'engine', operation)),
    ...across([16, 1, 256], (inFlight) => across(['get', 'put'], (operation) => (
      scenario(RUST, 'null', operation, inFlight)))),
    ...across(OTHER_SIZES, (size) => across(['get', 'put'], (operation) => (
      scenario(RUST, 'null', operation, 16, size)))),
    scenario(['core', 'hyper', 'wrk'], 'null', 'save'),
    ...sealedScenarios(SEALED),
  ].map(rustApart),
};

const QUICK_NODE = ['ours', 'legacy', 'sdk-v3'];
const QUICK = {
  warmUpSeconds: 1.5,
  seconds: 0.3,
  rounds: 3,
  startRounds: 5,
  scenarios: [
    ...across(['get', 'set'], (operation) => scenario(QUICK_NODE, 'null', operation)),
    ...across(['get', 'set'], (operation) => scenario(['ours', 'legacy'], 'null', operation, 1)),
    ...across(['get', 'set'], (operation) => scenario(['ours'], 'null', operation, MANY)),
    ...across([10 * KB, 100 * KB], (size) => across(['get', 'set'], (operation) => (
      scenario(['ours'], 'null', operation, 16, size)))),
    ...across(['get', 'put'], (operation) => scenario(['core', 'aws-sdk', 'wrk'], 'null', operation)),
    ...sealedScenarios(SEALED),
  ].map(rustApart),
};

/** They have names of their own, because their subjects take turns with other ones than in the same scenario above. */
function sealedScenarios(subjects) {
  return across([KB, 10 * KB], (size) => across(['get', 'set'], (operation) => {
    const one = scenario(subjects, 'null', operation, 16, size);
    return { ...one, id: `sealed ${one.id}` };
  }));
}

/** Gives a scenario of Rust subjects another id than the same one of Node subjects. */
function rustApart(one) {
  return RUST.includes(one.subjects[0]) ? { ...one, id: `rust ${one.id}` } : one;
}

const ROOT = path.join(__dirname, '..');
/** With `debug` a run only shows that everything works. */
const PROFILE = process.env.BENCH_PROFILE ?? 'release';
const built = (name) => path.join(__dirname, 'rust', 'target', PROFILE, name);

module.exports = {
  FULL,
  KOA,
  MANY,
  NODE,
  PROFILE,
  QUICK,
  ROOT,
  RUST,
  SEALED,
  START,
  STORES,
  SUBJECTS,
  built,
  nameOf,
};
