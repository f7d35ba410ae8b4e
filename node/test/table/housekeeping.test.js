'use strict';

// Requests about an existing table that fail, while the sessions in it work.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const express = require('../support/express');
const { serveFor, VERSIONS } = require('../support/koa');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { failure, useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');
const { warningsOf } = require('../support/warnings');

const MINUTE = 60000;
const engine = useEngine();
const recorder = useRecorder(engine);

// What an application has to write so that each request is sent for a table that exists.
const OPERATIONS = {
  DescribeTable: {},
  DescribeTimeToLive: {},
  UpdateTimeToLive: { useTtlExpired: true },
  UpdateTable: { readCapacityUnits: 7 },
};

const FAILURES = {
  denied: () => failure('AccessDeniedException', `not authorized, ${unique('reason')}`),
  throttled: () => failure('ThrottlingException'),
  'an internal error': () => failure('InternalServerError', 'said the test', 500),
  silent: () => () => new Promise(() => {}),
};

const create = async () => {
  const table = rawTable(engine.endpoint, unique('housekeeping'));
  await table.create();
  recorder.reset();
  return table;
};

const options = ({ name }, table = {}, more = {}) => (
  local(recorder.endpoint, name, { table: { autoCreate: true, ...table }, ...more })
);

// A silent service is given up after a second.
const HASTY = { dynamoConfig: { maxRetries: 0, httpOptions: { timeout: 1000 } } };

const count = (session) => {
  session.views = (session.views || 0) + 1; // eslint-disable-line no-param-reassign -- a session is there to be changed
  return { views: session.views };
};

// Apps whose stores are made with these options.
const APPS = {
  koa: (t, given) => serveFor(t, VERSIONS[0], { store: new DynamoDBStore(given) }, (ctx) => count(ctx.session)),
  'koa with a store for each request': (t, given) => {
    class ContextStore extends DynamoDBStore {
      constructor() { super(given); }
    }
    return serveFor(t, VERSIONS[0], { ContextStore }, (ctx) => count(ctx.session));
  },
  express: (t, given) => express.serveFor(t, new ExpressStore(given), {}, (request) => count(request.session)),
};

Object.entries(OPERATIONS).forEach(([operation, table]) => Object.entries(FAILURES).forEach(([name, answer]) => {
  Object.entries(APPS).forEach(([app, serve]) => it(`${operation}, ${name}: sessions work in ${app}`, async (t) => {
    const given = options(await create(), table, name === 'silent' ? HASTY : {});
    recorder.answer(operation, answer());
    const warnings = await warningsOf(async () => {
      const { url, errors } = await serve(t, given);
      const visitor = new Visitor(url);
      for (const views of [1, 2, 3]) {
        const { status, body } = await visitor.get();
        assert.deepEqual([status, body], [200, { views }]);
      }
      assert.deepEqual(errors, []);
    });
    if (name !== 'denied') return;
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0], new RegExp(`sessions work, but dynamodb:${operation} failed, so .*not authorized`));
    recorder.reset();
  }));
}));

describe('the application', () => {
  const outcome = async (given) => {
    let calls = 0;
    let called;
    const store = new DynamoDBStore(given, (error) => {
      calls += 1;
      called = error;
    });
    const ready = await store.ready.then(() => undefined, (error) => error);
    await store.set('a', { a: 1 }, MINUTE);
    assert.deepEqual(await store.get('a'), { a: 1 });
    assert.equal(calls, 1);
    return [called?.code, ready?.code];
  };

  it('hears of no error if it has not asked for what failed', async () => {
    for (const operation of ['DescribeTable', 'DescribeTimeToLive']) {
      const given = options(await create());
      recorder.answer(operation, FAILURES.denied());
      const warnings = await warningsOf(async () => {
        assert.deepEqual(await outcome(given), [undefined, undefined]);
      });
      assert.equal(warnings.filter((warning) => warning.includes(`dynamodb:${operation} failed`)).length, 1);
    }
  });

  it('hears of an error if it has, and its sessions work', async () => {
    for (const operation of ['UpdateTimeToLive', 'UpdateTable']) {
      const given = options(await create(), OPERATIONS[operation]);
      recorder.answer(operation, FAILURES.denied());
      assert.deepEqual(await warningsOf(async () => {
        assert.deepEqual(await outcome(given), Array(2).fill('AccessDeniedException'));
      }), []);
    }
  });

  it('has a table that another store looks at again after a minute', async (t) => {
    const given = options(await create());
    recorder.answer('DescribeTimeToLive', FAILURES.denied(), 1);
    await new DynamoDBStore(given).ready;
    await new DynamoDBStore(given).ready;
    assert.equal(recorder.only('DescribeTimeToLive').length, 1);
    const now = performance.now();
    t.mock.method(performance, 'now', () => now + MINUTE + 1000);
    await new DynamoDBStore(given).ready;
    await new DynamoDBStore(given).ready;
    assert.equal(recorder.only('DescribeTimeToLive').length, 2);
  });
});

describe('a table that is missing', () => {
  // Of a visitor who has the cookie of a session.
  const visited = async (t, given, app) => {
    const { url, errors } = await APPS[app](t, given);
    const { status } = await new Visitor(url, { 'koa.sess': 'a', ...express.cookies('a') }).get();
    return [status, errors[0]?.code];
  };

  Object.keys(APPS).forEach((app) => {
    it(`is an error if CreateTable is not allowed, in ${app}`, async (t) => {
      recorder.reset();
      recorder.answer('CreateTable', FAILURES.denied());
      const given = options({ name: unique('missing') });
      const warnings = await warningsOf(async () => {
        assert.deepEqual(await visited(t, given, app), [500, 'AccessDeniedException']);
      });
      assert.ok(warnings.some((warning) => /the table was not created/.test(warning)));
    });

    it(`is an error if DescribeTable is not allowed, in ${app}`, async (t) => {
      recorder.reset();
      recorder.answer('DescribeTable', FAILURES.denied());
      const given = options({ name: unique('missing') });
      assert.deepEqual(await visited(t, given, app), [500, 'ResourceNotFoundException']);
      assert.deepEqual(recorder.only('CreateTable'), []);
    });
  });

  it('is created, and sessions work, if its TTL cannot be enabled', async (t) => {
    recorder.reset();
    recorder.answer('UpdateTimeToLive', FAILURES.denied());
    const given = options({ name: unique('created') });
    const warnings = await warningsOf(async () => {
      assert.deepEqual(await visited(t, given, 'koa'), [200, undefined]);
    });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /dynamodb:UpdateTimeToLive failed/);
  });
});
