import ExpressDynamoDBStore = require('./types/express.js');

export = ExpressDynamoDBStore;
