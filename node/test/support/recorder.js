'use strict';

// A proxy in front of an engine. It notes every request, can answer in the engine's place, hold answers back, and
// be down.

const http = require('node:http');
const { once } = require('node:events');
const until = require('./until');
const use = require('./use');

// An answer as the service gives it for an error.
const failure = (type, message = 'said the test', status = 400) => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message },
});

const forward = (target, request, body) => new Promise((resolve, reject) => {
  const { host, ...headers } = request.headers;
  const { method, url } = request;
  const options = {
    method, path: url, headers, agent: false,
  };
  const passed = http.request(target, options, (response) => {
    const chunks = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const { connection, 'transfer-encoding': encoding, ...kept } = response.headers;
      resolve({ status: response.statusCode, headers: kept, body: Buffer.concat(chunks) });
    });
  });
  passed.on('error', reject);
  passed.end(body);
});

const startRecorder = async (target) => {
  const calls = [];
  const scripts = new Map();

  const answer = async (request, body) => {
    const operation = (request.headers['x-amz-target'] || '').split('.')[1];
    const call = { operation, headers: request.headers, body: body.length > 0 ? JSON.parse(body) : undefined };
    calls.push(call);
    const script = scripts.get(operation);
    if (!script || script.times <= 0) return forward(target, request, body);
    script.times -= 1;
    const given = typeof script.reply === 'function' ? await script.reply(call) : script.reply;
    return given || forward(target, request, body);
  };

  const server = http.createServer(async (request, response) => {
    const chunks = [];
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      try {
        const { status = 200, headers = {}, body } = await answer(request, Buffer.concat(chunks));
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers });
        response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
      } catch {
        response.destroy();
      }
    });
  });
  server.keepAliveTimeout = 60000;
  let connections = 0;
  server.on('connection', () => { connections += 1; });

  const up = async (port = 0) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  };
  const down = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const port = await up();

  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    operations: () => calls.map((call) => call.operation),
    // How many connections were made since the last reset.
    connections: () => connections,
    only: (operation) => calls.filter((call) => call.operation === operation),
    // From now on as if nothing had happened.
    reset() {
      calls.length = 0;
      connections = 0;
      scripts.clear();
    },
    // Answers an operation: with an answer, or with what a function gives (nothing: ask the engine after all).
    answer: (operation, reply, times = Infinity) => { scripts.set(operation, { reply, times }); },
    // Keeps requests waiting. `arrived(n)` settles once n of them wait, `release()` lets all go on.
    hold(operation) {
      let waiting = 0;
      let release;
      const released = new Promise((resolve) => { release = resolve; });
      scripts.set(operation, {
        times: Infinity,
        reply: async () => {
          waiting += 1;
          await released;
        },
      });
      return {
        arrived: (count = 1) => until(`${count} ${operation} to arrive`, () => waiting >= count),
        release() {
          scripts.delete(operation);
          release();
        },
      };
    },
    down,
    up: () => up(port),
    stop: async () => { if (server.listening) await down(); },
  };
};

// For the top of a test file, below the engine it stands before.
const useRecorder = (engine) => use(async () => {
  await engine.started;
  return startRecorder(engine.endpoint);
});

module.exports = { failure, startRecorder, useRecorder };
