// With koa-session 6, whose types are a package of their own.

import Koa = require('koa');
import session = require('koa-session');
import DynamoDBStore = require('koa-session-dynamodb-store');

class ContextStore extends DynamoDBStore {
  constructor(readonly context: object) {
    super({ prefix: 'tenant:' });
  }
}

const app = new Koa();
app.keys = ['key'];
app.use(session({ store: new DynamoDBStore({ table: { autoCreate: true } }) }, app));
app.use(session({ store: new DynamoDBStore<{ views: number }>(), maxAge: 'session' }, app));
app.use(session({ ContextStore }, app));
