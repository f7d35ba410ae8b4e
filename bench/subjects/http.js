'use strict';

// Node's own HTTP client: the requests of this package, recorded and repeated. Nothing is signed, and what it reads is
// not looked at. It is the limit of what a client in JavaScript can be.

const { readFileSync } = require('node:fs');

exports.open = ({ endpoint, requests }) => {
  const { protocol, hostname, port } = new URL(endpoint);
  const { Agent, request } = require(`node:${protocol.slice(0, -1)}`); // eslint-disable-line
  const agent = new Agent({ keepAlive: true });
  const recorded = JSON.parse(readFileSync(requests, 'utf8'));

  const send = (name) => new Promise((resolve, reject) => {
    const {
      method, path, headers, body,
    } = recorded[name];
    const sent = request({
      agent, hostname, port, method, path, headers: Object.fromEntries(headers),
    }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => { chunks.push(chunk); });
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });

  return {
    get: () => send('get'),
    set: (id, session, maxAge, { rolling }) => send(rolling ? 'rolling' : 'set'),
    destroy: () => send('destroy'),
    close: () => agent.destroy(),
  };
};
