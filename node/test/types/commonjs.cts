// As a CommonJS program written in TypeScript loads it, in every way module.exports allows.

import DynamoDBStore = require('koa-session-dynamodb-store');
import { same } from './check.cjs';

const store: DynamoDBStore = new DynamoDBStore();
const { DynamoDBStore: Named, KoaDynamoDBStore, default: Default } = DynamoDBStore;
same<typeof KoaDynamoDBStore, typeof DynamoDBStore>(true);
const fromName: DynamoDBStore = new Named();
const fromDefault: DynamoDBStore = new Default();

class Mine extends DynamoDBStore {
  async get(id: string) {
    return super.get(`mine:${id}`);
  }
}
const mine: DynamoDBStore = new Mine({ prefix: 'mine' });

const options: DynamoDBStore.Options = { table: { name: 'sessions' } };
new DynamoDBStore(options, (error) => {
  same<typeof error, DynamoDBStore.StoreError | undefined>(true);
});

// @ts-expect-error -- a class, not a function
DynamoDBStore();

export { store, fromName, fromDefault, mine };
