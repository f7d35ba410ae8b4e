import KoaDynamoDBStore from './index.js';

export { KoaDynamoDBStore, KoaDynamoDBStore as DynamoDBStore };
export default KoaDynamoDBStore;
