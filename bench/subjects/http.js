'use strict';

// Node's own HTTP client. It repeats recorded requests of this package, without signing them and without parsing the
// answers. It shows the limit of a client in JavaScript.

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
