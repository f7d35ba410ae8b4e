'use strict';

// What the scenes here play in: a session, and two processes that serve it. What one of them sends to the table can be
// lost or be late (`far`); what the other one sends arrives (`near`).

const assert = require('node:assert/strict');
const { before } = require('node:test');
const { useDynalite } = require('../../support/dynalite');
const { useEngine } = require('../../support/engine');
const Gate = require('../../support/gate');
const hashedKey = require('../../support/hashed-key');
const { localAlone, unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { failure, useDenied, useRecorder } = require('../../support/recorder');
const until = require('../../support/until');
const Visitor = require('../../support/visitor');

const HOUR = 3600000;

const sealed = { encryption: { keys: [{ id: 'k1', key: Buffer.alloc(32, 7) }], pad: 16 }, compress: true };

// How the sessions are stored, and what the store may do.
const KINDS = {
  usual: {},
  'UpdateItem is not allowed': { isDenied: true },
  'sealed sessions': { options: sealed },
  'sealed sessions, UpdateItem is not allowed': { options: sealed, isDenied: true },
  'hashed ids': { options: { hashIds: 'only' }, keyOf: hashedKey },
  'ids that are being hashed': { options: { hashIds: 'on' }, keyOf: hashedKey },
  'sessions in JSON text': { key: 'id', prefix: 'sess:', options: { layout: 'connect-dynamodb' } },
};

// Each engine with a table for each kind. For the top of a test file.
const useEngines = (kinds = ['usual']) => {
  const engines = [['dynoxide', useEngine()], ['dynalite', useDynalite({ createTableMs: 0 })]];
  return engines.map(([name, engine]) => {
    const recorder = useRecorder(engine);
    const denied = useDenied(engine, 'UpdateItem');
    const tables = {};
    before(async () => {
      await Promise.all([recorder.started, denied.started]);
      for (const kind of kinds) {
        const table = rawTable(engine.endpoint, unique('late'), KINDS[kind].key);
        await table.create();
        await until('the table', async () => (await table.describe()).TableStatus === 'ACTIVE');
        tables[kind] = table;
      }
    });
    return {
      name, engine, recorder, denied, tables,
    };
  });
};

// A request: `/sign-out` destroys the session, `/hit` counts, `/fill` changes many fields, `/put` stores a session that
// was not loaded. Any other sets the fields of its query: with none it is a view. `lifetime` sets how long the session
// lives, and `wait` has the request wait at the gate when it has loaded the session.
const handler = (id, gate) => async (request) => {
  const { session, path } = request;
  const { lifetime, wait, ...fields } = request.query;
  if (wait !== undefined) await gate.pass();
  if (lifetime !== undefined) request.setLifetime(Number(lifetime));
  if (path === '/sign-out') await request.signOut();
  else if (path === '/put') await request.put(id, fields);
  else if (path === '/hit') session.hits = (session.hits ?? 0) + 1;
  else if (path === '/fill') for (let i = 0; i < 150; i += 1) session[`field ${i}`] = fields.with;
  else if (path === '/lifetime') return { ms: request.lifetime() };
  else Object.assign(session, fields);
  return request.fields();
};

const open = async (t, { framework, id, options }) => {
  const ids = [];
  const gate = new Gate();
  const store = new framework.Store(options);
  const genid = () => ids.shift() ?? unique('other');
  const app = await framework.open(t, store, { genid, maxAge: HOUR }, handler(id, gate));
  const acknowledged = async (answer) => {
    assert.equal((await answer).status, 200);
    return (await answer).body;
  };
  return {
    gate,
    store,
    errors: app.errors,
    // A first visit, by someone who gets the id of this session.
    signIn(fields) {
      ids.push(id);
      return acknowledged(new Visitor(app.url).get(`/?${new URLSearchParams(fields)}`));
    },
    // A visit with the cookie of this session.
    visit: (path) => acknowledged(new Visitor(app.url, framework.cookies(id)).get(path)),
    // One that fails.
    async fail(visit) {
      await visit.catch(() => {}); // Express has answered by then.
      await until('the error', () => app.errors.length > 0);
      app.errors.length = 0;
    },
  };
};

const openWorld = async (t, {
  framework, on, kind = 'usual', retries = 3,
}) => {
  const {
    engine, recorder, denied, tables,
  } = on;
  recorder.reset();
  const {
    isDenied, prefix = '', options, keyOf = (one) => one,
  } = KINDS[kind];
  if (isDenied) recorder.answer('UpdateItem', failure('AccessDeniedException'));
  const id = unique('id');
  const table = tables[kind];
  const optionsAt = ({ endpoint }, more) => localAlone(endpoint, table.name, { touchAfter: 0, ...options, ...more });
  const near = await open(t, { framework, id, options: optionsAt(isDenied ? denied : engine) });
  const far = await open(t, {
    framework, id, options: optionsAt(recorder, { dynamoConfig: { maxRetries: retries } }),
  });
  // The same app by a clock that is behind. The time of the engine's answers would correct it.
  const earlier = (ms) => open(t, {
    framework,
    id,
    options: optionsAt(isDenied ? denied : engine, {
      dynamoConfig: { systemClockOffset: -ms, correctClockSkew: false },
    }),
  });
  const item = () => table.get(prefix + keyOf(id));
  return {
    near,
    far,
    recorder,
    isDenied,
    item,
    // Signs in so long ago, in milliseconds.
    signInBefore: (ms, fields) => earlier(ms).then((app) => app.signIn(fields)),
    // What the visitor sees: no fields where nobody is signed in.
    read: () => near.visit('/'),
    // Milliseconds until the session ends.
    msLeft: async () => (await item()).expires.N * 1000 - Date.now(),
    check: () => assert.deepEqual([...near.errors, ...far.errors], []),
  };
};

module.exports = { HOUR, openWorld, useEngines };
