// The class does what the published declarations say of it.

import Declared = require('koa-session-dynamodb-store/express');
import { ExpressDynamoDBStore } from '../../../lib/frameworks/express.js';

export const store: Declared = new ExpressDynamoDBStore();
export const given: ConstructorParameters<typeof ExpressDynamoDBStore> = [] as unknown as ConstructorParameters<typeof Declared>;
