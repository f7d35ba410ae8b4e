// With express-session, whose types are a package of their own, and on its own.

import express = require('express');
import session = require('express-session');
import DynamoDBStore = require('koa-session-dynamodb-store/express');
import { same } from '../../types/check.cjs';

declare module 'express-session' {
  interface SessionData {
    views: number;
  }
}

const app = express();
app.use(session({
  store: new DynamoDBStore({ table: { autoCreate: true } }), secret: 's', resave: false, saveUninitialized: false,
}));
app.use(session({ store: new DynamoDBStore<session.SessionData>({ layout: 'connect-dynamodb' }), secret: 's' }));

const options: DynamoDBStore.Options = {
  table: { name: 'sessions', hashKey: 'id' },
  dynamoConfig: { region: 'local' },
  prefix: 'sess:',
  consistentRead: false,
  sessionTtl: 86400000,
  touchAfter: 60000,
  absoluteMaxAge: 86400000,
  parallelChanges: 'overwrite',
  layout: 'dynamodb-store',
  hashIds: 'only',
  attributes: { user_id: (stored: session.SessionData) => stored.views },
  specialKeys: [{ name: 'userId', type: 'S' }],
  skipThrowMissingSpecialKeys: true,
  ttl: 60000,
};
const store = new DynamoDBStore<session.SessionData>(options, (error) => {
  same<typeof error, DynamoDBStore.StoreError | undefined>(true);
});
const { DynamoDBStore: Named, ExpressDynamoDBStore, default: Default } = DynamoDBStore;
same<typeof ExpressDynamoDBStore, typeof DynamoDBStore>(true);
const fromName: DynamoDBStore = new Named();
const fromDefault: DynamoDBStore = new Default();

export async function use() {
  const found = await store.get('id');
  same<typeof found, session.SessionData | undefined>(true);
  // @ts-expect-error -- there may be no session
  found.views;
  store.get('id', (error, one) => one?.views.toFixed());
  if (found) {
    await store.set('id', found);
    store.set('id', found, (error) => error?.code);
    await store.touch('id', found);
    store.touch('id', found, () => {});
  }
  await store.destroy('id');
  store.destroy('id', (error) => error?.code);
  for (const one of await store.all()) same<typeof one.id, string | undefined>(true);
  store.all((error, all) => all?.map(({ id, views }) => (id?.length ?? 0) + views));
  for (const one of await store.all()) {
    await store.destroy(one);
    same<ReturnType<typeof store.refOf>, string | undefined>(true);
  }
  const length: number = await store.length();
  store.length((error, count) => count?.toFixed());
  await store.clear();
  store.clear((error) => error?.code);
  await store.load('id');
  await store.createTableIfDontExists();
  await store.ready;
  await store.close();
  store.on('conflict', ({ ref, operation }) => ref + operation);
  store.once('retry', ({ attempt }) => attempt.toFixed());
  store.on('disconnect', () => {});
  store.emit('connect');
  same<ReturnType<typeof store.stats>, DynamoDBStore.Stats>(true);
  return length;
}

export function failed(error: DynamoDBStore.StoreError) {
  same<typeof error.statusCode, 500 | undefined>(true);
  same<typeof error.serviceStatusCode, number | undefined>(true);
}

// @ts-expect-error -- one of two
new DynamoDBStore({ layout: 'connect-redis' });
// @ts-expect-error -- one of two
new DynamoDBStore({ conflict: 'last' });
// @ts-expect-error -- misspelt
new DynamoDBStore({ layouts: 'connect-dynamodb' });
// @ts-expect-error -- which of the modes
new DynamoDBStore({ hashIds: true });
// @ts-expect-error -- a string
store.get(5);
// @ts-expect-error -- a session has views
store.set('id', { cookie: { originalMaxAge: null } });
// @ts-expect-error -- a class, not a function
DynamoDBStore();
// @ts-expect-error -- there is no such event's detail
store.on('conflict', ({ attempt }) => attempt);

export { fromName, fromDefault };
