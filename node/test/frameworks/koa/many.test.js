'use strict';

// More than one process, and more than one visitor.

const assert = require('node:assert/strict');
const path = require('node:path');
const { it } = require('node:test');
const { useEngine } = require('../../support/engine');
const { cleanEnv, printed, start } = require('../../support/subprocess');
const useTable = require('../../support/table');
const Visitor = require('../../support/visitor');

const engine = useEngine();
const table = useTable(engine, 'many');

const startApp = async (t) => {
  const app = start(process.execPath, [path.join(__dirname, 'app.js'), engine.endpoint, table.name], { env: cleanEnv() });
  t.after(app.stop);
  const [url] = await printed(app, /http:\S+/);
  return { ...app, url };
};

it('two processes share the sessions of a table', async (t) => {
  const [first, second] = await Promise.all([startApp(t), startApp(t)]);
  const visitor = new Visitor(first.url);
  const pids = new Set();
  for (let views = 1; views <= 10; views += 1) {
    visitor.url = views % 2 ? first.url : second.url;
    const { body } = await visitor.get(views === 1 ? '/?name=Ada' : '/');
    assert.equal(body.views, views);
    assert.equal(body.name, 'Ada');
    pids.add(body.pid);
  }
  assert.equal(pids.size, 2);
  assert.equal(first.output.stderr + second.output.stderr, '');
});

it('a restart of the app keeps the sessions', async (t) => {
  const first = await startApp(t);
  const visitor = new Visitor(first.url);
  await visitor.get('/?name=Ada');
  await first.stop();
  await assert.rejects(visitor.get());
  const second = await startApp(t);
  visitor.url = second.url;
  const { body } = await visitor.get();
  assert.deepEqual([body.name, body.views], ['Ada', 2]);
  assert.notEqual(body.pid, first.child.pid);
});

it('200 visitors at once, each with their own session, none mixed up', async (t) => {
  const apps = await Promise.all([startApp(t), startApp(t)]);
  const earlier = (await table.scan()).length;
  const visitors = Array.from({ length: 200 }, (_, number) => ({
    name: `visitor ${number}`, browser: new Visitor(apps[number % 2].url),
  }));
  const everybody = (visit) => Promise.all(visitors.map(visit));
  await everybody(({ name, browser }) => browser.get(`/?name=${encodeURIComponent(name)}`));
  for (let views = 2; views <= 4; views += 1) {
    await everybody(async ({ name, browser }, number) => {
      browser.url = apps[(number + views) % 2].url; // eslint-disable-line no-param-reassign
      const { status, body } = await browser.get();
      assert.equal(status, 200);
      assert.deepEqual([body.name, body.views], [name, views]);
    });
  }
  assert.equal(new Set(visitors.map(({ browser }) => browser.sessionId)).size, visitors.length);
  const items = await table.scan();
  assert.equal(items.length, earlier + visitors.length);
  const names = items.map(({ session }) => session.M.name.S).filter((name) => name.startsWith('visitor'));
  assert.deepEqual(names.sort(), visitors.map(({ name }) => name).sort());
  apps.forEach(({ output }) => assert.equal(output.stderr, ''));
});
