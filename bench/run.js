'use strict';

/* eslint no-console: "off" */

// Measures this package beside its peers: node run.js [--quick]
// Writes docs/benchmarks.md and its chart. With --quick it only prints the targets.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chart } = require('./chart.js');
const { environment, hasWrk } = require('./environment.js');
const { addonBytes, installedBytes } = require('./installed-size.js');
const {
  measureKoa, measureMemory, measureScenarios, measureStart,
} = require('./measure.js');
const { startServer } = require('./peers.js');
const {
  FULL, KOA, PROFILE, QUICK, ROOT, START,
} = require('./plan.js');
const { prepareAnswers, prepareRequests } = require('./prepare.js');
const { report } = require('./report.js');
const { KB, SIZES } = require('./session.js');
const { median } = require('./statistics.js');
const { targetTable } = require('./targets.js');

const isQuick = process.argv.includes('--quick');
const begin = performance.now();

function say(text) {
  const seconds = Math.round((performance.now() - begin) / 1000);
  console.log(`${String(seconds).padStart(4)} s  ${text}`);
}

/** A line of progress, and a warning if the server was the limit. */
function progress({ id }, results) {
  const each = Object.entries(results).map(([name, rounds]) => {
    const of = (measure) => median(rounds.map((round) => round[measure]));
    const busy = of('serverBusy') >= 0.9 ? ' (the server is busy)' : '';
    return `${name} ${of('processUs').toPrecision(3)} µs${busy}`;
  });
  say(`${id}: ${each.join(', ')}`);
}

async function main() {
  const plan = { ...(isQuick ? QUICK : FULL), withoutWrk: !hasWrk() };
  if (plan.withoutWrk) say('wrk is not installed: its rows are absent');
  if (PROFILE !== 'release') say(`a ${PROFILE} build: the numbers mean nothing`);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  const servers = {};
  const results = { environment: environment(), addonBytes: addonBytes(), installed: installedBytes() };
  try {
    const measured = new Set(plan.scenarios.flatMap(({ subjects }) => subjects));
    servers.engine = await startServer('the local engine', 'engine');
    await prepareAnswers(servers.engine, directory, [...measured]);
    servers.null = await startServer('the null server', 'answers', directory);
    servers.delay = await startServer('the delay server', 'answers', directory, '5', '1');
    await prepareRequests(servers.null, directory);
    say('all subjects store and read equal data');

    results.runs = await measureScenarios(plan, servers, directory, progress);
    const [startNames, koaNames] = isQuick ? [['ours', 'legacy'], ['memory', 'ours']] : [START, KOA];
    results.start = await measureStart(plan, startNames, servers.null, directory);
    say('start');
    results.koa = await measureKoa(plan, koaNames, servers.null, directory);
    say('Koa');
    results.memory = await measureMemory(servers.null, directory, isQuick ? [KB, 100 * KB] : SIZES);
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    fs.rmSync(directory, { recursive: true });
  }

  if (!isQuick) {
    const docs = path.join(ROOT, 'docs');
    fs.mkdirSync(docs, { recursive: true });
    fs.writeFileSync(path.join(docs, 'benchmarks.md'), report(results));
    fs.writeFileSync(path.join(docs, 'benchmarks.svg'), chart(results));
    say('wrote docs/benchmarks.md and docs/benchmarks.svg');
  }
  console.log(`\n${targetTable(results)}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1); // subjects that still run end when their standard input closes
});
