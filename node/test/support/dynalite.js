'use strict';

// dynalite, a second opinion with real CREATING windows, in a process of its own: a client that goes away in the
// middle of a request kills it. It is then started again on its port, empty.

const net = require('node:net');
const { printed, start } = require('./subprocess');
const use = require('./use');

const CLI = require.resolve('dynalite/cli.js');

const startDynalite = async ({ createTableMs = 500, updateTableMs = 100, deleteTableMs = 100 } = {}) => {
  const dynalite = { restarts: 0 };
  let running;
  let stopped = false;
  const launch = async (port) => {
    running = start(process.execPath, [CLI, '--host', '127.0.0.1', '--port', String(port),
      '--createTableMs', createTableMs, '--updateTableMs', updateTableMs, '--deleteTableMs', deleteTableMs]);
    const [, listening] = await printed(running, /listening at: http:\/\/127\.0\.0\.1:(\d+)/);
    running.ended.then(() => {
      if (stopped) return;
      dynalite.restarts += 1;
      launch(listening).catch(() => {});
    });
    return listening;
  };
  // dynalite takes port 0 for "none given". Until it listens on a free one, another process can take that.
  const launchAnywhere = async (tries = 3) => {
    try {
      return await launch(await freePort());
    } catch (err) {
      if (tries === 1 || !/EADDRINUSE/.test(err.message)) throw err;
      return launchAnywhere(tries - 1);
    }
  };
  const port = await launchAnywhere();
  dynalite.endpoint = `http://127.0.0.1:${port}`;
  dynalite.stop = () => {
    stopped = true;
    return running.stop();
  };
  return dynalite;
};

// For the top of a test file.
const useDynalite = (options) => use(() => startDynalite(options));

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

module.exports = { startDynalite, useDynalite };
