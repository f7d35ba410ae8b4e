/* @flow */

// As a CommonJS program loads it.

const DynamoDBStore = require('koa-session-dynamodb-store');

const { DynamoDBStore: Named } = DynamoDBStore;
const store: DynamoDBStore<> = new Named();
const other: DynamoDBStore<> = new DynamoDBStore.default(); // eslint-disable-line new-cap
const callback = (error?: { readonly code: string, ... }) => { error?.code as string | void; };
new DynamoDBStore({ table: { autoCreate: true } }, callback);

module.exports = { store, other };
