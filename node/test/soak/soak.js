'use strict';

// One soak: an engine, the proxy with the faults, the app and its visitors, and the check of their results.

const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { startEngine } = require('../support/engine');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { cleanEnv } = require('../support/subprocess');
const startProxy = require('./proxy');
const Random = require('./random');
const Visitors = require('./visitors');
const { JUDGED_MS, judge } = require('../support/vitals');

const STOP_MS = 15000;

// Does not keep the process alive.
const passed = (ms) => delay(ms, undefined, { ref: false });

// The process of the app and its reports: `samples` of its vitals, and `lastReport`. `end` describes how it ended.
const startApp = async (endpoint, table, seed, sampleMs) => {
  const child = fork(path.join(__dirname, 'app.js'), [endpoint, table, seed, sampleMs], {
    execArgv: ['--expose-gc'], env: cleanEnv(), stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const app = {
    child, samples: [], lastReport: undefined, stderr: '',
  };
  child.stderr.setEncoding('utf8').on('data', (text) => { app.stderr += text; });
  app.ended = once(child, 'close').then(([code, signal]) => {
    process.removeListener('exit', kill);
    app.end = `the app ended with ${signal ?? code}`;
    return code;
  });
  app.urls = new Promise((resolve, reject) => {
    child.on('message', ({ urls, ...report }) => {
      if (urls) resolve(urls);
      else {
        app.lastReport = report;
        app.samples.push(report.sample);
      }
    });
    app.ended.then(() => reject(new Error(`the app did not start: ${app.stderr}`)));
  });
  return app;
};

// Makes outages of the service. `away` is called at the start and the end of each.
const makeOutages = async (away, random, until) => {
  for (;;) {
    const calm = Math.min(30000 + random.below(30000), (until - Date.now()) / 3);
    if (calm < 1000) return;
    await passed(calm);
    away(true);
    await passed(Math.min(1000 + random.below(2000), (until - Date.now()) / 4));
    away(false);
  }
};

// Runs for `ms`, with random choices from `seed`, and calls `onProgress` every second. Returns the `violations`. `rate`
// is the share of requests to the service that get one of the `faults`, `leaving` the share of visits that sign out.
// `briefly` ends the soak at the first violation. `requests` is the number of requests a second of all `visitors`.
const soak = async ({
  ms, seed, onProgress = () => {}, rate = 0.15, faults, leaving = 0.02, briefly = false,
  visitors: many = 64, requests = 120,
}) => {
  const begun = Date.now();
  const random = new Random(seed);
  const sampleMs = Math.max(250, Math.min(5000, ms / 60));
  const engine = await startEngine();
  const table = rawTable(engine.endpoint, unique('soak'));
  await table.create();
  const proxy = await startProxy(engine.endpoint, { random: new Random(seed + 1), rate, faults });
  const app = await startApp(proxy.endpoint, table.name, seed + 2, sampleMs);
  const violations = [];
  try {
    const visitors = new Visitors(await app.urls, {
      random, leaving, visitors: many, rate: requests,
    });
    const progress = setInterval(() => onProgress({
      ms: Date.now() - begun, visitors, proxy, app,
    }), 1000);
    const until = Date.now() + ms;
    const time = Promise.all([passed(ms), makeOutages((down) => { proxy.down = down; }, random, until)]);
    await Promise.race([time, app.ended, ...(briefly ? [visitors.violated] : [])]);
    proxy.healthy = true;
    clearInterval(progress);
    await visitors.stop();
    const samples = [...app.samples];

    if (app.end) violations.push(app.end);
    else {
      // After the faults, every effect of them must be over.
      app.child.send('calm');
      await visitors.lookAgain();
      app.child.send('stop');
      const code = await Promise.race([app.ended, passed(STOP_MS)]);
      if (code !== 0) violations.push(app.end ?? `the app did not end by itself within ${STOP_MS} ms`);
    }
    if (app.stderr) violations.push(`the app wrote to standard error: ${app.stderr.trim().split('\n')[0]}`);
    visitors.judge(await table.scan());
    violations.push(...visitors.violations);
    const vitals = judge(samples);
    const judged = ms >= JUDGED_MS;
    if (judged) {
      vitals.filter(({ flat }) => !flat).forEach(({ vital, before, last }) => {
        violations.push(`${vital} grew from ${before.toFixed(1)} to ${last.toFixed(1)}`);
      });
    }
    return {
      ms: Date.now() - begun,
      seed,
      violations,
      visitors: visitors.counts,
      sessions: visitors.ledgers.size,
      faults: proxy.counts,
      serviceRequests: proxy.requests,
      usedExpired: proxy.usedExpired,
      lastReport: app.lastReport,
      samples,
      vitals,
      judged,
    };
  } finally {
    app.child.kill('SIGKILL');
    await proxy.stop();
    await engine.stop();
  }
};

module.exports = soak;
