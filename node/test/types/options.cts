// Every documented option is accepted, and what is none is not.

import DynamoDBStore = require('koa-session-dynamodb-store');
import AWS = require('aws-sdk');
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { same } from './check.cjs';

new DynamoDBStore({
  table: {
    name: 'sessions',
    hashKey: 'sessionId',
    ttlKey: 'expires',
    useTtlExpired: true,
    readCapacityUnits: 5,
    writeCapacityUnits: '5',
    autoCreate: true,
    billingMode: 'PAY_PER_REQUEST',
    createTable: { Tags: [{ Key: 'team', Value: 'web' }], DeletionProtectionEnabled: true },
  },
  dynamoConfig: {
    region: 'local',
    endpoint: 'http://localhost:8000',
    accessKeyId: 'dummyKey',
    secretAccessKey: 'dummyKey',
    sessionToken: 'token',
    maxRetries: 3,
    retryDelayOptions: { base: 50 },
    httpOptions: { connectTimeout: 1000, timeout: 1000 },
    logger: console,
    // Accepted and ignored.
    apiVersion: '2012-08-10',
    computeChecksums: true,
    paramValidation: { min: true },
    s3ForcePathStyle: false,
    stsRegionalEndpoints: 'regional',
  },
  prefix: 'app:',
  consistentRead: false,
  sessionTtl: 86400000,
  parallelChanges: 'overwrite',
  touchAfter: 60000,
  absoluteMaxAge: 86400000,
  operationTimeout: 5000,
  maxConnections: 128,
  maxQueue: 4096,
  retryBudget: 100,
});
new DynamoDBStore({ conflict: 'overwrite' });

// What is computed of each session.
new DynamoDBStore({
  attributes: { user_id: (session) => session.user?.id, level: (session: { level: number }) => session.level },
  ttl: (session, maxAge) => (session.user ? 60000 : maxAge ?? 3600000),
});
new DynamoDBStore({ attributes: {}, ttl: 60000 });
// @ts-expect-error a function must be synchronous
new DynamoDBStore({ attributes: { user_id: async () => 'ada' } });
// @ts-expect-error no attribute is undefined, not null
new DynamoDBStore({ attributes: { user_id: () => null } });
// @ts-expect-error a function
new DynamoDBStore({ attributes: { user_id: 'user' } });
// @ts-expect-error a function must be synchronous
new DynamoDBStore({ ttl: async () => 60000 });
// @ts-expect-error only the store for express-session has the layout of connect-dynamodb
new DynamoDBStore({ specialKeys: [{ name: 'user_id', type: 'S' }] });

// Credentials as both SDKs have them.
new DynamoDBStore({ dynamoConfig: { credentials: { accessKeyId: 'a', secretAccessKey: 'b' } } });
new DynamoDBStore({ dynamoConfig: { credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }) } });
new DynamoDBStore({
  dynamoConfig: {
    credentials: async ({ callerClientConfig }) => {
      const region: string | undefined = await callerClientConfig?.region();
      return { accessKeyId: region ?? 'a', secretAccessKey: 'b' };
    },
  },
});
new DynamoDBStore({ dynamoConfig: { credentials: fromTemporaryCredentials({ params: { RoleArn: 'a' } }) } });
new DynamoDBStore({ dynamoConfig: { credentials: new AWS.Credentials('a', 'b') } });
new DynamoDBStore({ dynamoConfig: { credentials: new AWS.SharedIniFileCredentials({ profile: 'web' }) } });
new DynamoDBStore({ dynamoConfig: { credentialProvider: new AWS.CredentialProviderChain() } });
new DynamoDBStore({ dynamoConfig: { endpoint: new AWS.Endpoint('http://localhost:8000') } });

// What a program passed to the AWS SDK's constructor still compiles.
declare const legacy: AWS.DynamoDB.ClientConfiguration;
new DynamoDBStore({ dynamoConfig: { ...legacy, signatureVersion: 'v4' } });
new DynamoDBStore({ dynamoConfig: { region: 'eu-west-1', maxRetries: 3, httpOptions: { timeout: 500 } } });

// @ts-expect-error -- a string
new DynamoDBStore({ table: { name: 1 } });
// @ts-expect-error -- one of two
new DynamoDBStore({ table: { billingMode: 'ON_DEMAND' } });
// @ts-expect-error -- misspelt
new DynamoDBStore({ table: { autocreate: true } });
// @ts-expect-error -- misspelt
new DynamoDBStore({ consistentReads: true });
// @ts-expect-error -- milliseconds, a number
new DynamoDBStore({ sessionTtl: '1d' });
// @ts-expect-error -- a string
new DynamoDBStore({ prefix: 7 });
// @ts-expect-error -- a secret goes with it
new DynamoDBStore({ dynamoConfig: { credentials: { accessKeyId: 'a' } } });
// @ts-expect-error -- a number
new DynamoDBStore({ dynamoConfig: { maxRetries: 'many' } });
// @ts-expect-error -- misspelt
new DynamoDBStore({ dynamoConfig: { maxRetry: 3 } });
// @ts-expect-error -- misspelt
new DynamoDBStore({ dynamoConfig: { endPoint: 'http://localhost:8000' } });
// @ts-expect-error -- misspelt
new DynamoDBStore({ dynamoConfig: { httpOptions: { connecttimeout: 1000 } } });
// @ts-expect-error -- refused
new DynamoDBStore({ dynamoConfig: { signatureVersion: 'v2' } });
// @ts-expect-error -- one of two
new DynamoDBStore({ parallelChanges: 'last' });
// @ts-expect-error -- only for Express and Fastify
new DynamoDBStore({ layout: 'connect-dynamodb' });
// @ts-expect-error -- no options, no string
new DynamoDBStore('sessions');

const store = new DynamoDBStore();
same<typeof store.tableName, string>(true);
same<typeof store.isLocal, boolean>(true);
same<typeof store.readCapacityUnits, number>(true);
same<typeof store.ready, Promise<void>>(true);
same<ReturnType<typeof store.getExpirationDate>, Date>(true);
// @ts-expect-error -- what the store was made with stays
store.tableName = 'other';
// @ts-expect-error -- a number, 'session' or nothing
store.getExpirationDate('forever');

export { legacy };
