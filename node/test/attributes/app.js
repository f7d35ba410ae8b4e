'use strict';

// An app in any framework whose sessions have attributes beside them, and a table with an index over one of them.

const assert = require('node:assert/strict');
const Gate = require('../support/gate');
const { local, unique } = require('../support/options');
const { raw, rawTable } = require('../support/raw');
const until = require('../support/until');
const use = require('../support/use');
const Visitor = require('../support/visitor');

const HOUR = 3600000;

const S = (text) => (text === undefined ? undefined : { S: text });

const INDEX = (key) => ({
  KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
  AttributeDefinitions: [key, 'user_id'].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
  ProvisionedThroughput: undefined,
  BillingMode: 'PAY_PER_REQUEST',
  GlobalSecondaryIndexes: [{
    IndexName: 'by_user',
    KeySchema: [{ AttributeName: 'user_id', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
  }],
});

/** For the top of a test file: a table whose sessions can be found by `user_id`. */
function useIndexedTable(engine, key = 'sessionId') {
  const name = unique('attributes');
  const table = use(async () => {
    await engine.started;
    const made = rawTable(engine.endpoint, name, key);
    await made.create(INDEX(key));
    await until('the index is active', async () => {
      const { TableStatus, GlobalSecondaryIndexes: [index] } = await made.describe();
      return TableStatus === 'ACTIVE' && (index.IndexStatus ?? 'ACTIVE') === 'ACTIVE';
    });
    // The keys of the sessions of a user.
    const found = async (user) => {
      const { Items } = await raw(engine.endpoint, 'Query', {
        TableName: name,
        IndexName: 'by_user',
        KeyConditionExpression: 'user_id = :user',
        ExpressionAttributeValues: { ':user': S(user) },
      });
      return Items.map((item) => item[key].S);
    };
    return { ...made, found };
  });
  return Object.assign(table, { name });
}

const ATTRIBUTES = { user_id: (session) => session.user, level: (session) => session.level };

/**
 * The app with this store. `/?user=ada` sets fields, `/?-user=` removes them, `/sign-out` signs out. With `wait` a
 * request waits before it changes anything.
 */
async function serve(t, framework, id, store, options = {}) {
  let gate;
  const handle = async ({
    path, query, session, fields, signOut, setLifetime,
  }) => {
    const { wait, lifetime, ...changes } = query;
    if (wait) await gate.pass();
    if (path === '/sign-out') await signOut();
    /* eslint no-param-reassign: ["error", { "props": false }] -- a session is there to be changed */
    for (const [name, value] of Object.entries(changes)) {
      if (name.startsWith('-')) delete session[name.slice(1)];
      else session[name] = name === 'level' ? Number(value) : value;
    }
    if (lifetime) setLifetime(Number(lifetime));
    return path === '/sign-out' ? {} : fields();
  };
  const ids = [id];
  const genid = () => ids.shift() ?? unique('other');
  const app = await framework.open(t, store, { genid, maxAge: HOUR, ...options }, handle);
  const visitor = () => new Visitor(app.url, framework.cookies(id));
  const visit = async (page, from = visitor()) => {
    const { status, body } = await from.get(page);
    assert.equal(status, 200, JSON.stringify(app.errors.map(String)));
    return body;
  };
  return {
    errors: app.errors,
    signIn: (page = '/?user=ada') => visit(page, new Visitor(app.url)),
    visit: (page = '/') => visit(page),
    // A request that has loaded its session. It goes on when the function is called, which resolves with its answer.
    async begin(page) {
      gate = new Gate();
      const begun = gate;
      const answer = visit(`${page}&wait=1`);
      await begun.arrived();
      return () => {
        begun.open();
        return answer;
      };
    },
    // The error of a request whose session cannot be stored. express-session has answered by then.
    fail: async (page) => {
      await visitor().get(page);
      await until('the error', () => app.errors.length > 0);
      return app.errors.pop();
    },
  };
}

/** The options of a store with these attributes. */
const withAttributes = (endpoint, name, more = {}) => local(endpoint, name, { attributes: ATTRIBUTES, ...more });

module.exports = {
  ATTRIBUTES, HOUR, S, serve, useIndexedTable, withAttributes,
};
