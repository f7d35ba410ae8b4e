'use strict';

// A primary and two workers, each with a store. The process ends when all are done.

const cluster = require('node:cluster');
const DynamoDBStore = require('koa-session-dynamodb-store');

const asPrimary = async (store) => {
  await store.set('of the primary', { a: 1 }, 60000, { ctx: {} });
  const codes = await Promise.all([1, 2].map(() => new Promise((resolve) => {
    cluster.fork().on('exit', resolve);
  })));
  console.log(codes.join(' '));
};

const asWorker = async (store) => {
  const id = `of worker ${cluster.worker.id}`;
  await store.set(id, { id }, 60000, { ctx: {} });
  const [own, other] = [await store.get(id), await store.get('of the primary')];
  console.log(own.id === id && other.a === 1);
  cluster.worker.disconnect();
};

if (process.argv[2]) {
  const store = new DynamoDBStore(JSON.parse(process.argv[2]));
  if (cluster.isPrimary) asPrimary(store);
  else asWorker(store);
}
