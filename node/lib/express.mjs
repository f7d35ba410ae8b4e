import ExpressDynamoDBStore from './express.js';

export { ExpressDynamoDBStore, ExpressDynamoDBStore as DynamoDBStore };
export default ExpressDynamoDBStore;
