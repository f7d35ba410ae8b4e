import DynamoDBStore from './express.js';

export { DynamoDBStore };
export default DynamoDBStore;
