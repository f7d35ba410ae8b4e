import DynamoDBStore from './index.js';

export { DynamoDBStore };
export default DynamoDBStore;
