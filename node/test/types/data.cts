// The session data is a type parameter.

import DynamoDBStore = require('koa-session-dynamodb-store');
import { same } from './check.cjs';

interface Session {
  user?: { id: string; roles: string[] };
  views: number;
}

const typed = new DynamoDBStore<Session>();

export async function typedSession() {
  const session = await typed.get('id');
  same<typeof session, Session | undefined>(true);
  // @ts-expect-error -- there may be no session
  session.views;
  await typed.set('id', { views: 1 }, 60000);
  await typed.set('id', { views: 1, user: { id: 'u', roles: [] } }, 'session');
  const done = await typed.set('id', { views: 1 });
  same<typeof done, DynamoDBStore.Empty>(true);
  // @ts-expect-error -- views is missing
  await typed.set('id', {});
  // @ts-expect-error -- views is a number
  await typed.set('id', { views: 'many' }, 60000);
  // @ts-expect-error -- milliseconds or 'session'
  await typed.set('id', { views: 1 }, 'day');
  // @ts-expect-error -- a string
  await typed.get(1);
  await typed.destroy('id');
}

export async function untypedSession() {
  const session = await new DynamoDBStore().get('id');
  return session?.anything?.at?.all;
}

// @ts-expect-error -- a session is an object
new DynamoDBStore<string>();

export async function table(store: DynamoDBStore) {
  await store.createTableIfDontExists();
  await store.createTableIfDontExists((error) => error?.code);
  const state = await store.isTableCreated();
  same<typeof state, DynamoDBStore.TableState | null>(true);
  const { TableDescription } = await store.createTable();
  same<typeof TableDescription.TableStatus, string>(true);
  await store.updateTable();
  await store.setTtlField();
  await store.close();
}
