/** The file name of a bundle in dist; see ../scripts/bundle.js. */
declare const PACKAGE_FILE: string | undefined;

/** The version of the package; only there in a bundle in dist. */
declare const PACKAGE_VERSION: string | undefined;

/** The native part, inside of this package or in one of its own; see ./binding.js. */
declare module '*.node';
declare module 'koa-session-dynamodb-store-*';
