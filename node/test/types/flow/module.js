/* @flow */

// Options, session data and results, as an ES module.

import DynamoDBStore, { type Options, type StoreError } from 'koa-session-dynamodb-store';

const options: Options = {
  table: {
    name: 'sessions',
    hashKey: 'sessionId',
    ttlKey: 'expires',
    useTtlExpired: true,
    readCapacityUnits: 5,
    writeCapacityUnits: '5',
    autoCreate: true,
    billingMode: 'PAY_PER_REQUEST',
    createTable: { DeletionProtectionEnabled: true },
  },
  dynamoConfig: {
    region: 'local', endpoint: 'http://localhost:8000', accessKeyId: 'dummyKey', secretAccessKey: 'dummyKey',
  },
  prefix: 'app:',
  consistentRead: false,
  sessionTtl: 86400000,
};

type Session = { views: number, user?: string, ... };
const store: DynamoDBStore<Session> = new DynamoDBStore(options, (error?: StoreError) => {
  if (error) error.code as string;
});

export async function use(): Promise<number> {
  const session = await store.get('id');
  // $FlowExpectedError[incompatible-use] there may be no session
  session.views;
  await store.set('id', { views: 1 }, 60000);
  await store.set('id', { views: 1, user: 'u' }, 'session');
  await store.set('id', { views: 1 });
  // $FlowExpectedError[incompatible-type] views is a number
  await store.set('id', { views: 'many' }, 60000);
  // $FlowExpectedError[incompatible-type] milliseconds or 'session'
  await store.set('id', { views: 1 }, 'day');
  await store.destroy('id');
  await store.createTableIfDontExists();
  await store.ready;
  store.getExpirationDate('session') as Date;
  return session ? session.views : 0;
}

// $FlowExpectedError[incompatible-type] a string
new DynamoDBStore({ prefix: 7 });
// $FlowExpectedError[incompatible-type] one of two
new DynamoDBStore({ table: { billingMode: 'ON_DEMAND' } });
// $FlowExpectedError[incompatible-type] misspelt
new DynamoDBStore({ dynamoConfig: { maxRetry: 3 } });
// $FlowExpectedError[incompatible-type] misspelt
new DynamoDBStore({ consistentReads: true });
// $FlowExpectedError[cannot-write] what the store was made with stays
store.tableName = 'other';
