'use strict';

const assert = require('node:assert/strict');
const { before, describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const adapters = require('../cost/adapters');
const { COLUMNS } = require('../cost/hashed');
const { SESSIONS } = require('../cost/sealed');
const {
  hashedTable, sealedTable, tableOf, usersTable,
} = require('../cost/table');
const users = require('../cost/users');
const { SIZES, VIEWS } = require('../cost/views');
const { useEngine } = require('../support/engine');
const { VERSIONS, serveFor } = require('../support/koa');
const { local, unique } = require('../support/options');
const { useRecorder } = require('../support/recorder');
const Visitor = require('../support/visitor');
const { codeIn } = require('./markdown');
const checksOf = require('./page');

const CHANGES = [[2, 1], [6, 1], [30, 1], [6, 3], [30, 3]];

const engine = useEngine();
const recorder = useRecorder(engine);
before(() => recorder.started);
const page = checksOf('docs/cost.md');

describe('cost', () => {
  // The prices themselves are paid in test/cost.
  it('the tables are those of test/cost', () => {
    const section = page.section('Page views').replaceAll('|---|---|---|', '| --- | --- | --- |');
    const names = ['koa-session 7', 'express-session', '@fastify/session'];
    names.map((name) => adapters.find((adapter) => adapter.name === name))
      .forEach((adapter) => assert.ok(section.includes(tableOf(adapter)), adapter.name));
    const text = section.replaceAll('\n', ' ');
    assert.ok(text.includes(`units for a session of ${Object.keys(SIZES).join(' / ')},`));
  });

  it('encrypted sessions cost the same in every row', () => {
    assert.match(page.section('Page views').replaceAll('\n', ' '), /An encrypted session whose item has the same size costs the same in every row of these three tables/);
    adapters.forEach(({ name, stores }) => {
      assert.deepEqual(stores['this package, encrypted'].prices, stores['this package'].prices, name);
    });
  });

  it('hashed ids cost the same in every row', () => {
    assert.match(page.section('Page views').replaceAll('\n', ' '), /Neither does `hashIds: 'only'`: it costs the same in every row/);
    adapters.forEach(({ name, stores }) => {
      assert.deepEqual(stores["this package, hashIds: 'only'"].prices, stores['this package'].prices, name);
    });
  });

  it('the table of hashed ids is that of test/cost', () => {
    const section = page.section('Hashed ids').replaceAll('|---|---|---|', '| --- | --- | --- |');
    assert.ok(section.includes(hashedTable(adapters.find(({ name }) => name === 'koa-session 7'))));
  });

  it('with the other frameworks, the rows of hashed ids grow by the same units, but for one', () => {
    const text = page.section('Hashed ids').replaceAll(/\s+/g, ' ');
    const unitsOf = ([, ...units]) => units.map((price) => price.split(' + ').map(Number));
    const besides = ({ stores }, store, view) => {
      const [plain, hashed] = ['this package', store].map((name) => unitsOf(stores[name].prices[view]));
      return hashed.map((units, size) => units.map((count, kind) => count - plain[size][kind]));
    };
    const [koa, ...others] = ['koa-session 7', 'express-session', '@fastify/session']
      .map((name) => adapters.find((adapter) => adapter.name === name));
    others.forEach((adapter) => Object.values(COLUMNS).forEach((store) => Object.keys(VIEWS).forEach((view) => {
      const expected = besides(koa, store, view);
      if (view !== 'logout' || !store.includes('from before')) {
        assert.deepEqual(besides(adapter, store, view), expected, `${adapter.name}: ${store}: ${view}`);
        return;
      }
      const [operations, ...units] = adapter.stores[store].prices[view];
      const sends = operations.split(' ').map((operation) => `\`${operation}\``).join(', ');
      assert.ok(text.includes(`${sends} at ${units.join(' / ')}.`), adapter.name);
    })));
  });

  it('the table of encrypted and compressed sessions is that of test/cost', () => {
    const section = page.section('Encrypted and compressed sessions').replaceAll('|---|---|---|---|---|', '| --- | --- | --- | --- | --- |');
    assert.ok(section.includes(sealedTable()));
    const { cart } = SESSIONS['a cart, 10 KB'];
    const fields = ({ price, ...others }) => Object.keys({ ...others, ...price }).length;
    assert.ok(section.includes(`The cart has ${cart.length} entries of six fields`));
    assert.equal(fields(cart[0]), 6);
  });

  it('the table of users is that of test/cost, and no page view costs more', () => {
    const section = page.section('Users').replace('| | koa', '|  | koa').replaceAll('|---|---|---|', '| --- | --- | --- |');
    assert.ok(section.includes(usersTable(adapters)));
    adapters.forEach(({ name, stores }) => Object.keys(VIEWS).filter((view) => !view.includes('begins')).forEach((view) => {
      assert.deepEqual(stores['this package, users'].prices[view], stores['this package'].prices[view], `${name}: ${view}`);
    }));
    assert.deepEqual(Object.values(users.VIEWS).filter((view) => !VIEWS[view]), []);
  });

  it('there is a table for each framework', () => {
    const heads = page.tables().map(({ head }) => head.join());
    assert.deepEqual(heads, [
      'page view,this package,koa-session-dynamodb-store 1.1.1',
      'page view,this package,connect-dynamodb 3.0.5',
      'page view,this package,connect-dynamodb 3.0.5',
      'page view,axum,actix-web',
      "page view,`hashIds: 'on'`,`hashIds: 'on'`, a session from before",
      'session,plain,encrypted,compressed,encrypted and compressed',
      ',koa-session 7,express-session',
      'a write meets,sent besides,write units besides',
      'changes,this package,time,koa-session-dynamodb-store 1.1.1,connect-dynamodb 3.0.5',
      'operation,capacity units',
    ]);
  });

  // test/cost/parallel.test.js plays them.
  it('parallel changes cost two writes in one process, and those of the other packages are lost', () => {
    const { rows } = page.tables().find(({ head }) => head[0] === 'changes');
    rows.forEach(([what, ours, , ...others]) => {
      const [, changes, processes] = /^(\d+) from (\d) process/.exec(what);
      assert.equal(ours, `${processes === '1' ? '2' : 'about 12'} writes, 0 lost`);
      others.forEach((cell) => assert.equal(cell, `${changes} writes, ${changes - 1} lost`));
    });
    assert.deepEqual(rows.map(([what]) => what.replace(/ process.*/, '')), CHANGES.map(([n, m]) => `${n} from ${m}`));
  });

  // The tests of the adapters pay them; here, that they are the prices of what is sent.
  it('the prices of axum and actix-web are those of their operations', () => {
    const READ = { GetItem: ['1', '3'] };
    const WRITE = { PutItem: ['1', '10'], UpdateItem: ['1', '10'], DeleteItem: ['1', '10'] };
    const { rows } = page.tables().find(({ head }) => head[1] === 'axum');
    rows.forEach(([view, ...cells]) => cells.filter((cell) => cell.includes(':')).forEach((cell) => {
      const [operations, units] = cell.split(': ');
      const sent = operations.split(', ');
      const [reads] = sent.map((name) => READ[name]).filter(Boolean);
      let [writes] = sent.map((name) => WRITE[name]).filter(Boolean);
      // There is nothing any more: the least that a write costs.
      if (view.includes('destroyed')) writes = ['1', '1'];
      const expected = [0, 1].map((size) => `${reads?.[size] ?? 0} + ${writes?.[size] ?? 0}`).join(' / ');
      assert.equal(units, expected, `${view}: ${cell}`);
    }));
  });

  it('the rules of capacity are those that page views are priced by', () => {
    const operations = page.column('Operations', 'operation');
    const sent = page.tables().slice(0, 4).flatMap(({ rows }) => rows).flat()
      .flatMap((cell) => cell.match(/\b(?:Get|Put|Update|Delete)Item\b/g) ?? []);
    assert.deepEqual([...new Set(sent)].sort(), operations.sort());
  });

  it('koa-session 6 costs what 7 does', () => {
    const [seven, six] = VERSIONS.map(({ name }) => tableOf(adapters.find((adapter) => adapter.name === name)));
    assert.equal(six, seven);
  });

  for (const version of VERSIONS) {
    it(`${version.name}: a change of the id`, async (t) => {
      const [, sends] = /regenerate\(\)` sends (.*?)\. /s.exec(page.section('Page views'));
      const name = unique('cost');
      const store = new DynamoDBStore(local(recorder.endpoint, name));
      await store.createTableIfDontExists();
      const app = await serveFor(t, version, { store }, async (ctx) => {
        ctx.session.views = 1;
        if (ctx.path === '/regenerate') await ctx.session.regenerate();
      });
      const visitor = new Visitor(app.url);
      await visitor.get('/');
      recorder.reset();
      await visitor.get('/regenerate');
      assert.deepEqual(recorder.operations().sort(), codeIn(sends).sort());
    });
  }

  it('a change of the id, and the first load of a session from before, where sessions have users', async (t) => {
    const text = page.section('Users').replaceAll(/\s+/g, ' ');
    const besides = [/a `regenerate` of a user's session, (.*?) are sent besides/i, /for the first time, (.*?) are sent besides/]
      .map((pattern) => codeIn(pattern.exec(text)[1]));
    const name = unique('cost');
    const serve = async (options) => {
      const store = new DynamoDBStore(local(recorder.endpoint, name, options));
      await store.createTableIfDontExists();
      const app = await serveFor(t, VERSIONS[0], { store }, async (ctx) => {
        if (ctx.path === '/sign-in') ctx.session.user = 'ada';
        if (ctx.path === '/regenerate') await ctx.session.regenerate();
      });
      return new Visitor(app.url);
    };
    const of = ({ user }) => user;
    const visitor = await serve({ users: { of } });
    await visitor.get('/sign-in');
    const fromBefore = await serve({});
    await fromBefore.get('/sign-in');
    const sent = async (other, path) => {
      recorder.reset();
      await other.get(path);
      return recorder.operations().sort();
    };
    const [, regenerates] = /regenerate\(\)` sends (.*?)\. /s.exec(page.section('Page views'));
    assert.deepEqual(await sent(visitor, '/regenerate'), [...codeIn(regenerates), ...besides[0]].sort());
    fromBefore.url = visitor.url;
    assert.deepEqual(await sent(fromBefore, '/'), ['GetItem', ...besides[1]].sort());
    assert.deepEqual(await sent(fromBefore, '/'), ['GetItem']);
  });

  it('at start nothing is sent, unless the table is to be created', async () => {
    const name = unique('cost');
    await new DynamoDBStore(local(engine.endpoint, name)).createTableIfDontExists();
    recorder.reset();
    const store = new DynamoDBStore(local(recorder.endpoint, name));
    await store.ready;
    assert.deepEqual(recorder.operations(), []);
    await store.createTableIfDontExists();
    assert.deepEqual(recorder.operations(), ['DescribeTable', 'DescribeTimeToLive']);
  });
});

page.complete();
