// With @fastify/session, which brings types of its own, as an ES module.

import cookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import fastify from 'fastify';
import Default, { DynamoDBStore, type Options, type StoreError } from 'koa-session-dynamodb-store/express';
import { same } from '../../types/check.cjs';

declare module 'fastify' {
  interface Session {
    views?: number;
  }
}

same<typeof Default, typeof DynamoDBStore>(true);

const options: Options = { layout: 'connect-dynamodb', touchAfter: 60000 };
const app = fastify();
await app.register(cookie);
await app.register(fastifySession, { store: new DynamoDBStore(options), secret: 'a secret of at least 32 letters' });

app.get('/', async (request) => {
  request.session.views = (request.session.views ?? 0) + 1;
  return { views: request.session.views };
});

export const codeOf = (error: StoreError): string => error.code;
