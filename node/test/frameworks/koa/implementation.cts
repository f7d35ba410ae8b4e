// The class does what the published declarations say of it.

import Declared = require('koa-session-dynamodb-store');
import { KoaDynamoDBStore } from '../../../lib/frameworks/koa.js';

export const store: Declared = new KoaDynamoDBStore();
export const given: ConstructorParameters<typeof KoaDynamoDBStore> = [] as unknown as ConstructorParameters<typeof Declared>;
