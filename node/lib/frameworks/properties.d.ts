/**
 * The properties that show a store's options. The constructors assign all of them from the option table, so that the
 * classes do not list them.
 */

import type { Properties } from '../../types/common';

declare module './koa.js' {
  interface KoaDynamoDBStore extends Properties {}
}

declare module './express.js' {
  interface ExpressDynamoDBStore extends Properties {}
}
