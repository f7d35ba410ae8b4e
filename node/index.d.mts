import KoaDynamoDBStore from './index.js';

export type CredentialsProvider = KoaDynamoDBStore.CredentialsProvider;
export type DynamoConfig = KoaDynamoDBStore.DynamoConfig;
export type MaxAge = KoaDynamoDBStore.MaxAge;
export type Options = KoaDynamoDBStore.Options;
export type StoreError = KoaDynamoDBStore.StoreError;
export type TableOptions = KoaDynamoDBStore.TableOptions;
export { KoaDynamoDBStore, KoaDynamoDBStore as DynamoDBStore };
export default KoaDynamoDBStore;
