// As an ES module written in TypeScript loads it.

import Default, { DynamoDBStore, type Options, type StoreError } from 'koa-session-dynamodb-store';
import * as everything from 'koa-session-dynamodb-store';
import { same } from './check.cjs';

same<typeof Default, typeof DynamoDBStore>(true);
same<typeof everything.default, typeof DynamoDBStore>(true);

const options: Options = { consistentRead: false };
const store: Default = new Default(options);
const named: DynamoDBStore<{ views: number }> = new DynamoDBStore<{ views: number }>(options);

export async function read(id: string): Promise<number | undefined> {
  try {
    const session = await named.get(id);
    return session?.views;
  } catch (error) {
    const { code, retryable, statusCode } = error as StoreError;
    same<typeof code, string>(true);
    same<typeof retryable, boolean>(true);
    throw new Error(`${code} ${statusCode ?? ''}`);
  }
}

// @ts-expect-error -- there is no such export
everything.createStore();

export { store };
