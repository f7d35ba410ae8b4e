'use strict';

/* eslint global-require: "off" -- the first `get` of most applications needs this file alone */

/** Sessions to the text that is stored, and back. */

const { isAttribute, textOf } = require('./frame.js');

let sessionData;

/** ./session-data.js. Asking `require` itself would cost every call a microsecond. */
function data() {
  sessionData ??= require('./session-data.js');
  return sessionData;
}

/** The session of its text. Most are JSON. */
const parseText = (text) => (isAttribute(text) ? data().parse(text) : JSON.parse(text));

/** The session of a frame, or undefined without one. */
const parse = (frame) => (frame === undefined ? undefined : parseText(textOf(frame)));

/** The text of a session as it is now: the caller may go on changing it. */
const serialise = (session) => data().serialise(session);

module.exports = { parse, parseText, serialise };
