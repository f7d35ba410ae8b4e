import DynamoDBStore from './express.js';

export type CredentialsProvider = DynamoDBStore.CredentialsProvider;
export type DynamoConfig = DynamoDBStore.DynamoConfig;
export type Options = DynamoDBStore.Options;
export type StoreError = DynamoDBStore.StoreError;
export type TableOptions = DynamoDBStore.TableOptions;
export { DynamoDBStore };
export default DynamoDBStore;
