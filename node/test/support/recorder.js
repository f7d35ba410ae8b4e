'use strict';

// A proxy in front of an engine. It notes every request and what the engine answered, can change requests, answer in
// the engine's place, hold answers back or lose them, have requests land late, and be down.

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
    method, path: url, headers: { ...headers, 'content-length': body.length }, agent: false,
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

// `add` is put into each request before the engine sees it.
const startRecorder = async (target, { add } = {}) => {
  const calls = [];
  const scripts = new Map();

  const answer = async (request, body) => {
    const operation = (request.headers['x-amz-target'] || '').split('.')[1];
    const call = { operation, headers: request.headers, body: body.length > 0 ? JSON.parse(body) : undefined };
    calls.push(call);
    const passed = add ? Buffer.from(JSON.stringify({ ...call.body, ...add })) : body;
    const pass = async () => {
      call.answer = await forward(target, request, passed);
      return call.answer;
    };
    const script = scripts.get(operation);
    if (!script || script.times <= 0) return pass();
    script.times -= 1;
    const given = typeof script.reply === 'function' ? await script.reply(call, pass) : script.reply;
    return given || pass();
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
    // Has the engine do an operation, then closes the connection without an answer. `meanwhile` runs in between.
    loseAnswer: (operation, { times = 1, meanwhile = () => {} } = {}) => {
      const reply = async (call, pass) => {
        await pass();
        await meanwhile(call);
        throw new Error('the answer is lost');
      };
      scripts.set(operation, { reply, times });
    },
    // Closes the connection of the next request for an operation before the engine has done it: it is still under way.
    // `meanwhile` runs in between. `land()` has the engine do it after all. Of `times` requests, the first one lands.
    delay(operation, { times = 1, meanwhile = () => {} } = {}) {
      let first;
      const reply = async (call, pass) => {
        first ??= pass;
        await meanwhile(call);
        throw new Error('the request is late');
      };
      scripts.set(operation, { reply, times });
      return {
        async land() {
          scripts.delete(operation);
          await first();
        },
      };
    },
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
const useRecorder = (engine, options) => use(async () => {
  await engine.started;
  return startRecorder(engine.endpoint, options);
});

// The engine for someone whose policy does not grant an operation.
const useDenied = (engine, operation) => use(async () => {
  await engine.started;
  const denied = await startRecorder(engine.endpoint);
  denied.answer(operation, failure('AccessDeniedException', `User is not authorized to perform: dynamodb:${operation}`));
  return denied;
});

module.exports = {
  failure, startRecorder, useDenied, useRecorder,
};
