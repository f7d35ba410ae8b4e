'use strict';

// Loaded before a snippet: where it listens on port 3000, any free port on loopback is taken and printed.

const { Server } = require('node:net');

const { listen } = Server.prototype;

Server.prototype.listen = function listenAnywhere(port, ...rest) {
  if ((port?.port ?? port) !== 3000) return listen.call(this, port, ...rest);
  return listen.call(this, 0, '127.0.0.1', () => console.log(`listening on ${this.address().port}`));
};
