// The same module through the syntax of ES modules, compiled to CommonJS.

import Default, { DynamoDBStore } from 'koa-session-dynamodb-store';
import { same } from './check.cjs';

same<typeof Default, typeof DynamoDBStore>(true);

const store: DynamoDBStore<{ views: number }> = new DynamoDBStore<{ views: number }>();

export default store;
