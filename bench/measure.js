'use strict';

// Measures the subjects in turn: each round measures every subject once, and begins with another one.

const { execFile } = require('node:child_process');
const path = require('node:path');
const { promisify } = require('node:util');
const { Peer } = require('./lines.js');
const {
  CREDENTIALS, ENVIRONMENT, place, subject,
} = require('./peers.js');
const { SUBJECTS } = require('./plan.js');
const { checkRead } = require('./prepare.js');
const { KB } = require('./session.js');

const run = promisify(execFile);

async function interleave(rounds, names, measure) {
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      results[name].push(await measure(name));
    }
  }
  return results;
}

const answersOf = (name, size) => `${SUBJECTS[name].answers ?? name}-${size}`;

/** Measures the plan's scenarios one after the other; every subject is one process for all of them. */
async function measureScenarios(plan, servers, directory, report) {
  const workers = {};
  const results = {};
  const isWarm = new Set();
  for (const one of plan.scenarios) {
    const server = servers[one.server];
    const names = one.subjects.filter((name) => name !== 'wrk' || !plan.withoutWrk);
    for (const name of names) {
      workers[name] ??= subject(name);
      const endpoint = server.endpoint(answersOf(name, one.size));
      await workers[name].ask({ do: 'open', ...place(directory, name, endpoint, one.size) });
      await checkRead(name, workers[name], one.size, directory);
    }
    const measure = async (name, seconds = plan.seconds) => {
      const before = server.cpuUs();
      const result = await workers[name].ask({
        do: 'run',
        operation: one.operation,
        inFlight: one.inFlight,
        seconds,
        watchDelay: one.server === 'delay',
      });
      const took = (result.operations / result.perSecond) * 1e6;
      return { ...result, serverBusy: (server.cpuUs() - before) / took };
    };
    // Long enough for V8 to optimise the code.
    for (const name of names) await measure(name, isWarm.has(name) ? plan.seconds / 2 : plan.warmUpSeconds);
    names.forEach((name) => isWarm.add(name));
    results[one.id] = await interleave(plan.rounds, names, measure);
    report(one, results[one.id]);
  }
  await Promise.all(Object.values(workers).map((worker) => worker.stop()));
  return results;
}

/** Measures from before `require` to the end of the first `get`, each time in a new process. */
async function measureStart(plan, names, server, directory) {
  const environments = {
    plain: { credentials: CREDENTIALS, scheme: 'http', env: ENVIRONMENT },
    tls: {
      credentials: { region: 'eu-central-1' },
      scheme: 'https',
      env: {
        ...ENVIRONMENT,
        AWS_ACCESS_KEY_ID: 'dummyKey',
        AWS_SECRET_ACCESS_KEY: 'dummyKey',
        NODE_EXTRA_CA_CERTS: server.address.authority,
      },
    },
  };
  const results = {};
  for (const [kind, { credentials, scheme, env }] of Object.entries(environments)) {
    const measure = async (name) => {
      const endpoint = server.endpoint(answersOf(name, KB), scheme);
      const where = JSON.stringify(place(directory, name, endpoint, KB, credentials));
      const { stdout } = await run(process.execPath, [path.join(__dirname, 'first-get.js'), name, where], { env });
      return JSON.parse(stdout);
    };
    await interleave(1, names, measure); // brings the files into the page cache
    results[kind] = await interleave(plan.startRounds, names, measure);
  }
  return results;
}

/** The cost of a request to a Koa app that reads or writes its session, with each store. */
async function measureKoa(plan, names, server, directory) {
  const browser = subject('hyper');
  const apps = {};
  for (const name of names) {
    apps[name] = new Peer(`the Koa app over ${name}`, process.execPath, [path.join(__dirname, 'koa-app.js'), name], ENVIRONMENT);
    const endpoint = name === 'memory' ? undefined : server.endpoint(answersOf(name, KB));
    const requests = path.join(directory, `koa-${name}.requests.json`);
    const { url } = await apps[name].ask({ do: 'start', ...place(directory, name, endpoint, KB), requests });
    Object.assign(apps[name], { url, requests });
  }
  const results = {};
  // The names of these requests in the browser.
  for (const [kind, operation] of Object.entries({ reading: 'get', writing: 'put' })) {
    const measure = async (name, seconds = plan.seconds) => {
      const app = apps[name];
      await browser.ask({ do: 'open', ...place(directory, name, app.url, KB), requests: app.requests });
      await app.ask({ do: 'begin' });
      const result = await browser.ask({
        do: 'run', operation, inFlight: 16, seconds,
      });
      const { loopUs, processUs, rssMb } = await app.ask({ do: 'end' });
      return {
        ...result,
        loopUs: loopUs / result.operations,
        processUs: processUs / result.operations,
        rssMb,
      };
    };
    for (const name of names) await measure(name, plan.warmUpSeconds);
    results[kind] = await interleave(plan.rounds, names, measure);
  }
  await Promise.all([browser, ...Object.values(apps)].map((peer) => peer.stop()));
  return results;
}

/** The peak memory of a call of the core, as a multiple of the session's bytes. */
async function measureMemory(server, directory, sizes) {
  const core = subject('core');
  const results = {};
  for (const operation of ['get', 'put', 'save']) {
    results[operation] = {};
    for (const size of sizes) {
      await core.ask({ do: 'open', ...place(directory, 'core', server.endpoint(`core-${size}`), size) });
      const { peakBytes } = await core.ask({ do: 'memory', operation });
      results[operation][size] = peakBytes / size;
    }
  }
  await core.stop();
  return results;
}

module.exports = {
  measureKoa, measureMemory, measureScenarios, measureStart,
};
