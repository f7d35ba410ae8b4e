'use strict';

// The tests of ./logout.js on express-session.

const framework = require('../../support/express');
const call = require('../../support/session-call');
const testLogout = require('./logout');

const MINUTE = 60000;

const SCENES = {
  'a change': { leave: (request) => { request.session.views = 2; } },
  'a field removed': { leave: (request) => { delete request.session.views; } },
  'nothing changed': { leave: () => {} },
  'nothing changed, rolling': { options: { rolling: true }, leave: () => {} },
  'nothing changed, resave': { options: { resave: true }, leave: () => {} },
  'save()': { leave: ({ session }) => call(session, 'save') },
  'save(), a change after it': {
    async leave(request) {
      request.session.views = 2;
      await call(request.session, 'save');
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
  'another lifetime': {
    leave(request) {
      request.session.cookie.maxAge = 2 * MINUTE;
      request.session.views = 2;
    },
  },
  'touch()': { leave: ({ session }) => { session.touch(); } },
  'a change, and a handler that throws': {
    status: 418,
    errors: ['of the handler'],
    leave(request) {
      request.session.views = 2;
      throw Object.assign(new Error('of the handler'), { status: 418 });
    },
  },
  'reload(), which finds nothing': {
    status: 500,
    errors: ['failed to load session'],
    takesTheNext: true,
    async leave(request) {
      request.session.views = 2;
      await call(request.session, 'reload');
    },
  },
};

testLogout(framework, SCENES, { ghosts: ['nothing changed', 'nothing changed, rolling', 'touch()'] });
