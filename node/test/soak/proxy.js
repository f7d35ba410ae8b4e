'use strict';

// The proxy between the app and the engine. It passes requests on, and some of them get a fault. A request is executed
// at once or never, even if its client has given up. Requests for one session are executed in the order of their
// arrival. So the meaning of an acknowledgement is certain.

const http = require('node:http');
const { once } = require('node:events');
const { setTimeout: delay } = require('node:timers/promises');
const { failure } = require('../support/recorder');

const answerOf = ({ status, body }) => ({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) });
const service = (type, status) => async () => answerOf(failure(type, 'said the soak', status));
const html = async () => ({
  status: 503, headers: { 'content-type': 'text/html' }, body: Buffer.from('<h1>Service Unavailable</h1>'),
});
const reset = (socket) => socket.resetAndDestroy();
// Waits until the client gives up.
const silence = async (socket) => {
  if (!socket.destroyed) await once(socket, 'close');
};

// The fate of a request, by name. `apply` executes it on the engine. A fault without an answer has used the socket
// itself.
const FAULTS = {
  throttled: service('ProvisionedThroughputExceededException', 400),
  'throttled, by rate': service('ThrottlingException', 400),
  'throttled, by the account': service('RequestLimitExceeded', 400),
  'error 500': service('InternalServerError', 500),
  'error 503, as HTML': html,
  'error 500, empty': async () => ({ status: 500, headers: {}, body: Buffer.alloc(0) }),
  'credentials expired': service('ExpiredTokenException', 400),
  'reset before': async ({ socket }) => reset(socket),
  'reset after': async ({ apply, socket }) => {
    await apply();
    reset(socket);
  },
  'no answer, not done': async ({ socket }) => silence(socket),
  'no answer, done': async ({ apply, socket }) => {
    await apply();
    await silence(socket);
  },
  'answer cut off': async ({ apply, response, socket }) => {
    const { status, headers, body } = await apply();
    response.writeHead(status, headers);
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => socket.destroy());
  },
  'answer damaged': async ({ apply }) => {
    const answer = await apply();
    return { ...answer, headers: { ...answer.headers, 'x-amz-crc32': '1' } };
  },
  'answer late': async ({ apply, random }) => {
    const answer = await apply();
    await delay(random.below(700));
    return answer;
  },
  'connection closed after': async ({ apply }) => {
    const answer = await apply();
    return { ...answer, headers: { ...answer.headers, connection: 'close' } };
  },
};

const keyOf = (body) => {
  const { Key = {}, Item = {} } = JSON.parse(body);
  return (Key.sessionId ?? Item.sessionId)?.S;
};

// The access key of the app's credentials holds the time at which they expire.
const isExpired = ({ authorization = '' }) => {
  const until = /Credential=SOAK(\d+)\//.exec(authorization)?.[1];
  return !until || Date.now() > Number(until);
};

// `rate` is the share of requests that get one of the `faults`. While `healthy` is set, there are no faults.
const startProxy = async (target, { random, rate, faults = FAULTS }) => {
  const agent = new http.Agent({ keepAlive: true });
  const proxy = {
    counts: {}, requests: 0, usedExpired: 0, healthy: false, down: false,
  };
  const count = (name) => { proxy.counts[name] = (proxy.counts[name] ?? 0) + 1; };

  const forward = (request, body) => new Promise((resolve, reject) => {
    const { host, connection, ...headers } = request.headers;
    const passed = http.request(target, { method: 'POST', headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { connection: hop, 'transfer-encoding': encoding, ...kept } = response.headers;
        resolve({ status: response.statusCode, headers: kept, body: Buffer.concat(chunks) });
      });
    });
    passed.on('socket', (socket) => socket.unref());
    passed.on('error', reject);
    passed.end(body);
  });

  // The last request for each session. The next one waits for it.
  const order = new Map();
  const inOrder = async (key, work) => {
    const turn = (order.get(key) ?? Promise.resolve()).then(work);
    const done = turn.catch(() => {});
    order.set(key, done);
    try {
      return await turn;
    } finally {
      if (order.get(key) === done) order.delete(key);
    }
  };

  const answer = async (request, response, body) => {
    proxy.requests += 1;
    const { socket } = request;
    if (proxy.down && !proxy.healthy) {
      count('outage');
      reset(socket);
      return undefined;
    }
    if (isExpired(request.headers)) {
      proxy.usedExpired += 1;
      return FAULTS['credentials expired']();
    }
    const apply = () => inOrder(keyOf(body), () => {
      if (socket.destroyed) throw new Error('the client has gone');
      return forward(request, body);
    });
    if (proxy.healthy || !random.chance(rate)) return apply();
    const name = random.of(Object.keys(faults));
    count(name);
    const operation = request.headers['x-amz-target'].split('.')[1];
    return faults[name]({
      apply, body, operation, random, response, socket,
    });
  };

  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      try {
        const given = await answer(request, response, Buffer.concat(chunks));
        if (!given) return;
        response.writeHead(given.status, { 'content-type': 'application/x-amz-json-1.0', ...given.headers });
        response.end(given.body);
      } catch {
        response.destroy();
      }
    });
  });
  server.keepAliveTimeout = 60000;
  // Sockets that faults have left open must not keep the process alive.
  server.on('connection', (socket) => socket.unref());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.endpoint = `http://127.0.0.1:${server.address().port}`;
  proxy.stop = async () => {
    server.close();
    server.closeAllConnections();
    agent.destroy();
  };
  return proxy;
};

module.exports = startProxy;
