'use strict';

// A store in the process's memory, which costs JSON alone: what a Koa app over any store is compared with. It answers
// in a later turn of the event loop, as whoever asks another process must. Answered at once, the app would take turns
// with its clients over every single request, which costs it more than all else that is compared here.

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
