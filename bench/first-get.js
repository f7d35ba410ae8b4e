'use strict';

// Runs in a process of its own: node first-get.js SUBJECT PLACE. Prints the milliseconds from before the `require` of a
// subject to the end of its first `get`.

const { ID, MAX_AGE_MS } = require('./session.js');

const [name, where] = process.argv.slice(2);
const place = JSON.parse(where);
// `open` requires the package when it is called.
const { open } = require(`./subjects/${name}.js`); // eslint-disable-line import/no-dynamic-require

const begin = performance.now();
const store = open(place);
const openMs = performance.now() - begin;
store.get(ID, MAX_AGE_MS, { ctx: {}, rolling: false }).then((session) => {
  const totalMs = performance.now() - begin;
  if (!session.views && !String(session).includes('"views"')) throw new Error(`read ${JSON.stringify(session)}`);
  process.stdout.write(JSON.stringify({ openMs, totalMs }), () => process.exit());
});
