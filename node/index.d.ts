import KoaDynamoDBStore = require('./types/koa.js');

export = KoaDynamoDBStore;
