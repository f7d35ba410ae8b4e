// The classes do what the published declarations say of them.

import Express = require('koa-session-dynamodb-store/express');
import Koa = require('koa-session-dynamodb-store');
import { ExpressDynamoDBStore } from '../../lib/frameworks/express.js';
import { KoaDynamoDBStore } from '../../lib/frameworks/koa.js';

export const koa: Koa = new KoaDynamoDBStore();
export const koaArguments: ConstructorParameters<typeof KoaDynamoDBStore> = [] as unknown as ConstructorParameters<typeof Koa>;
export const express: Express = new ExpressDynamoDBStore();
export const expressArguments: ConstructorParameters<typeof ExpressDynamoDBStore> = [] as unknown as ConstructorParameters<typeof Express>;
