/* @flow */

// The store for express-session and @fastify/session.

import DynamoDBStore, { type Options, type StoreError } from 'koa-session-dynamodb-store/express';

const options: Options = {
  table: { name: 'sessions' },
  touchAfter: 60000,
  parallelChanges: 'overwrite',
  layout: 'connect-dynamodb',
  hashIds: 'only',
  attributes: { user_id: (session) => session.user, level: () => 1 },
  specialKeys: [{ name: 'user_id', type: 'S' }],
  skipThrowMissingSpecialKeys: true,
  ttl: (session, maxAge) => maxAge ?? 60000,
};

type Session = { cookie: { ... }, views: number, ... };
const store: DynamoDBStore<Session> = new DynamoDBStore(options, (error?: StoreError) => {
  if (error) error.code as string;
});

export async function use(): Promise<number> {
  const session = await store.get('id');
  // $FlowExpectedError[incompatible-use] there may be no session
  session.views;
  store.get('id', (error, found) => found?.views);
  await store.set('id', { cookie: {}, views: 1 });
  store.touch('id', { cookie: {}, views: 1 }, () => {});
  // $FlowExpectedError[incompatible-type] views is a number
  await store.set('id', { cookie: {}, views: 'many' });
  store.destroy('id', (error) => error);
  const all = await store.all();
  all.map(({ id, views }) => (id ?? '').length + views);
  // $FlowExpectedError[incompatible-use] there is no id where it is hashed
  all.map(({ id }) => id.length);
  all.map((one) => store.refOf(one)?.length);
  await store.destroy(all[0]);
  store.on('conflict', ({ ref }) => ref);
  await store.clear();
  return store.length();
}

// $FlowExpectedError[incompatible-type] one of two
new DynamoDBStore({ layout: 'connect-redis' });
// $FlowExpectedError[incompatible-type] which of the modes
new DynamoDBStore({ hashIds: true });
// $FlowExpectedError[incompatible-type] must be synchronous
new DynamoDBStore({ ttl: async () => 5 });
// $FlowExpectedError[incompatible-type] B has no values in a session
new DynamoDBStore({ specialKeys: [{ name: 'user_id', type: 'B' }] });
// $FlowExpectedError[incompatible-type] misspelt
new DynamoDBStore({ layouts: 'connect-dynamodb' });
