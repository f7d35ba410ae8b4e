'use strict';

// The processes of a run: subjects and servers.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { Peer } = require('./lines.js');
const { NODE, SEALED, built } = require('./plan.js');

const NOOP = { darwin: 'libbench_noop.dylib', linux: 'libbench_noop.so' }[process.platform];

/** The settings that the AWS documentation recommends for the SDK v2, so that the legacy package is at its best. */
const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|AMAZON|DYNAMODB)_/.test(name))),
  AWS_NODEJS_CONNECTION_REUSE_ENABLED: '1',
  AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  NODE_ENV: 'production',
};

const CREDENTIALS = { region: 'local', accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey' };

const isNode = (name) => NODE.includes(name) || SEALED.includes(name);

/** The addresses and names for a subject. */
function place(directory, name, endpoint, size, credentials = CREDENTIALS) {
  const requests = isNode(name) ? 'ours' : 'core';
  return {
    endpoint,
    table: `bench-${name}`,
    credentials,
    session: path.join(directory, `${size}.session.json`),
    requests: path.join(directory, `${requests}-${size}.requests.json`),
    addon: built(NOOP),
  };
}

/** wrk, with the interface of the other subjects. */
class Wrk {
  #place;

  async ask({ do: command, ...rest }) {
    if (command === 'open') {
      this.#place = rest;
      return {};
    }
    return this.#run(rest);
  }

  async #run({ operation, inFlight, seconds }) {
    const { endpoint, requests } = this.#place;
    const { method, headers, body } = JSON.parse(fs.readFileSync(requests, 'utf8'))[operation];
    const quoted = (text) => `"${text.replace(/[\\"]/g, '\\$&')}"`;
    const script = path.join(path.dirname(requests), 'wrk.lua');
    fs.writeFileSync(script, [
      `wrk.method = ${quoted(method)}`,
      `wrk.body = ${quoted(body)}`,
      ...headers.map(([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`),
      'function done(summary, latency)',
      '  local errors = summary.errors.connect + summary.errors.read + summary.errors.write',
      '    + summary.errors.status + summary.errors.timeout',
      '  print(string.format("\\nRESULT %d %d %d %d %d", summary.requests, summary.duration, errors,',
      '    latency:percentile(50), latency:percentile(99)))',
      'end',
    ].join('\n'));
    const lasting = `${Math.max(1, Math.round(seconds))}s`; // wrk takes whole seconds
    const command = `TIMEFORMAT='%U %S'; time wrk -t1 -c${inFlight} -d${lasting} -s "$1" "$2"`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command, 'wrk', script, `${endpoint}/`]);
    const [requestCount, micros, errors, p50, p99] = /RESULT (.*)/.exec(stdout)[1].split(' ').map(Number);
    if (errors > 0) throw new Error(`wrk met ${errors} errors:\n${stdout}`);
    const [user, system] = stderr.trim().split('\n').pop().split(' ')
      .map(Number);
    return {
      operations: requestCount,
      processUs: ((user + system) * 1e6) / requestCount,
      perSecond: requestCount / (micros / 1e6),
      p50Ms: p50 / 1000,
      p99Ms: p99 / 1000,
    };
  }

  async stop() { this.#place = undefined; }
}

function subject(name) {
  if (name === 'wrk') return new Wrk();
  if (isNode(name)) return new Peer(name, process.execPath, [path.join(__dirname, 'worker.js'), name], ENVIRONMENT);
  return new Peer(name, built('bench-subject'), [name], ENVIRONMENT);
}

/** A server and its CPU time. */
class Server extends Peer {
  constructor(name, ...args) {
    super(name, built('bench-server'), args, ENVIRONMENT);
  }

  async started() {
    this.address = await this.read();
    return this;
  }

  /** Its endpoint for a subject at a size. */
  endpoint(answers, scheme = 'http') {
    if (this.address.url) return this.address.url;
    return `${scheme}://${scheme === 'http' ? '127.0.0.1' : 'localhost'}:${this.address[answers][scheme]}`;
  }

  cpuUs() {
    return fs.readdirSync(`/proc/${this.pid}/task`).reduce((sum, task) => (
      sum + Number(fs.readFileSync(`/proc/${this.pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000), 0);
  }
}

const startServer = (name, ...args) => new Server(name, ...args).started();

module.exports = {
  CREDENTIALS, ENVIRONMENT, place, startServer, subject,
};
