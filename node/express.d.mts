import ExpressDynamoDBStore from './express.js';

export type CredentialsProvider = ExpressDynamoDBStore.CredentialsProvider;
export type DynamoConfig = ExpressDynamoDBStore.DynamoConfig;
export type Options = ExpressDynamoDBStore.Options;
export type StoreError = ExpressDynamoDBStore.StoreError;
export type TableOptions = ExpressDynamoDBStore.TableOptions;
export { ExpressDynamoDBStore, ExpressDynamoDBStore as DynamoDBStore };
export default ExpressDynamoDBStore;
