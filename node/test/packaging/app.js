'use strict';

// Sessions that are written and read back by both stores. It is copied into projects, and bundled. Region and keys come
// from the environment. Argument: the URL of an engine.

const Store = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');

async function main(endpoint) {
  const options = { table: { name: `app-${process.pid}`, autoCreate: true }, dynamoConfig: { endpoint } };
  const store = new Store(options);
  await store.set('id', { views: 1 }, 60000, { ctx: {} });
  const other = new ExpressStore(options);
  await other.set('other', { cookie: { originalMaxAge: 60000, expires: null }, views: 2 });
  const [first, second] = [await store.get('id'), await other.get('other')];
  return `${first.views} ${second.views}`;
}

main(process.argv[2]).then(console.log);
