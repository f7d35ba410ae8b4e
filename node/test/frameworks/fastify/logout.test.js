'use strict';

// The tests of ../express/logout.js on @fastify/session, which stores every session again by default.

const testLogout = require('../express/logout');
const framework = require('../../support/fastify');

const MINUTE = 60000;

const SCENES = {
  'a change': { leave: (request) => { request.session.views = 2; } },
  'a field removed': { leave: (request) => { delete request.session.views; } },
  'a change by set()': { leave: ({ session }) => { session.set('views', 2); } },
  'nothing changed': { leave: () => {} },
  'a change, rolling false': { options: { rolling: false }, leave: (request) => { request.session.views = 2; } },
  'save()': { leave: ({ session }) => session.save() },
  'save(), a change after it': {
    async leave(request) {
      request.session.views = 2;
      await request.session.save();
      request.session.views = 3;
    },
  },
  'save() without waiting for it, three times': {
    leave(request) {
      [2, 3, 4].forEach((views) => {
        request.session.views = views;
        request.session.save();
      });
    },
  },
  'another lifetime': { leave: ({ session }) => { session.options({ maxAge: 2 * MINUTE }); } },
  'touch()': { leave: ({ session }) => { session.touch(); } },
  'a change, and a handler that throws': {
    status: 418,
    errors: ['of the handler'],
    leave(request) {
      request.session.views = 2;
      throw Object.assign(new Error('of the handler'), { statusCode: 418 });
    },
  },
};

testLogout(framework, SCENES, { ghosts: [] });
