'use strict';

// A store in the memory of the process, whose only cost is JSON. Koa apps with other stores are compared with it. It
// answers in a later turn of the event loop, as every store must that uses another process. If it answered at once, the
// app and its clients would alternate after every single request, which costs more than anything compared here.

const { setImmediate: laterTurn } = require('node:timers/promises');

exports.open = () => {
  const texts = new Map();
  return {
    async get(id) {
      await laterTurn();
      const text = texts.get(id);
      return text && JSON.parse(text);
    },
    async set(id, session) {
      const text = JSON.stringify(session);
      await laterTurn();
      texts.set(id, text);
    },
    destroy: async (id) => { texts.delete(id); },
    close() {},
  };
};
