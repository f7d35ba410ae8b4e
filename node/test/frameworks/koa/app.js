'use strict';

// A Koa app as a process of its own: prints its URL, serves until it is stopped.

const DynamoDBStore = require('koa-session-dynamodb-store');
const { serve, VERSIONS } = require('../../support/koa');
const { local } = require('../../support/options');

const [endpoint, table] = process.argv.slice(2);

const main = async () => {
  const store = new DynamoDBStore(local(endpoint, table, {
    // For 200 visitors on a busy machine.
    dynamoConfig: { httpOptions: { connectTimeout: 60000, timeout: 60000 } },
  }));
  const { url } = await serve(VERSIONS[0], { store, signed: true }, (ctx) => {
    ctx.session.views = (ctx.session.views || 0) + 1;
    if (ctx.query.name) ctx.session.name = ctx.query.name;
    return { name: ctx.session.name, views: ctx.session.views, pid: process.pid };
  });
  console.log(url);
};

if (endpoint) main();
