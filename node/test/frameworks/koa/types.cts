// With koa-session 7, which brings types of its own.

import Koa = require('koa');
import session = require('koa-session');
import DynamoDBStore = require('koa-session-dynamodb-store');

const app = new Koa();
app.keys = ['key'];
app.use(session.createSession({ store: new DynamoDBStore({ table: { autoCreate: true } }) }, app));
app.use(session.createSession({ store: new DynamoDBStore<{ views: number }>(), maxAge: 'session' }, app));
app.use(session.createSession({ ContextStore: DynamoDBStore }, app));
