'use strict';

/**
 * What the documentation says of each option of ./table.js, by its path. scripts/options.js makes the comments of the
 * types and the tables of docs/options.md of it; a running program does not load this file.
 *
 * An entry can have:
 * - `text`: a sentence or more, in Markdown
 * - `default`: what the documentation shows when the table has no default, or a better text for it
 * - `typescript`, `flow`: the type where it does not follow from the table
 */

module.exports = {
  'table.name': {
    text: 'The name of the table, or its ARN.',
  },
  'table.hashKey': {
    text: 'The partition key of the table: an attribute of type string.',
  },
  'table.ttlKey': {
    text: 'The attribute for the expiry. If the TTL of the table is on another attribute, both are used, and the earlier expiry counts.',
  },
  'table.useTtlExpired': {
    text: 'Whether DynamoDB deletes expired items. An existing table is changed only when you set this.',
  },
  'table.readCapacityUnits': {
    text: 'Read units per second of a provisioned table. An existing table is changed only when you set this. Numeric strings are accepted.',
  },
  'table.writeCapacityUnits': {
    text: 'Write units per second of a provisioned table. An existing table is changed only when you set this. Numeric strings are accepted.',
  },
  'table.autoCreate': {
    text: 'Whether to create the table during construction if it does not exist.',
  },
  'table.billingMode': {
    text: 'How a new table is billed.',
  },
  'table.createTable': {
    text: 'Merged into the CreateTable request: tags, table class, encryption, deletion protection.',
    typescript: 'Record<string, unknown>',
    flow: '{ readonly [string]: unknown, ... }',
  },

  prefix: {
    text: 'Put before every session id, so that applications can share a table. End it with a separator, such as `:`. Otherwise the store also reads, lists and clears sessions whose prefix begins with this one: `shop` those of `shop-admin:`.',
  },
  consistentRead: {
    text: 'Whether a read sees every write that was acknowledged before. `false` halves the read units.',
  },
  sessionTtl: {
    text: 'Milliseconds that a session lives when it is stored without a `maxAge`, or with `\'session\'`. One day, if you do not set it. The option `ttl` overrides it.',
  },
  ttl: {
    text: 'Milliseconds that the store keeps an unused session, whatever its cookie says. Or a function `(session, maxAge) => ms`, where `maxAge` is what the cookie says, in milliseconds, and undefined for one that lives as long as the browser. A function must be synchronous. See [how long a session is kept](attributes.md#how-long-a-session-is-kept).',
    default: 'as long as the cookie lives, or `sessionTtl`',
    typescript: 'number | ((session: any, maxAge: number | undefined) => number)',
    flow: 'number | ((session: any, maxAge: number | void) => number)',
  },
  attributes: {
    text: 'Top-level attributes that each item has beside the session, such as the key of an index: `{ user_id: (session) => session.user?.id }`. A function returns a string, a finite number, or undefined for no attribute. It must be synchronous. See [Attributes for an index](attributes.md).',
    typescript: 'Readonly<Record<string, (session: any) => string | number | undefined>>',
    flow: '{ readonly [string]: (session: any) => string | number | void, ... }',
  },
  'users.of': {
    text: 'Returns the id of the user whose session it gets: a string or a whole number; undefined for nobody. It must be synchronous. With it, the sessions of a user can be listed, and all of them be signed out: see [Users and devices](users.md).',
    typescript: '(session: any) => string | number | bigint | null | undefined',
    flow: '(session: any) => string | number | bigint | null | void',
  },
  'users.max': {
    text: 'How many sessions a user can have. When there is one more, the one that became the user\'s first ends.',
  },
  'users.label': {
    text: 'Returns the text by which the user recognises the session, such as the name of the browser. At most 256 bytes are kept. The second argument is the request: Koa\'s context, or the request of Express or Fastify.',
    typescript: '(session: any, request: any) => string | null | undefined',
    flow: '(session: any, request: any) => string | null | void',
  },
  parallelChanges: {
    text: 'What happens when parallel requests change one session. `merge`: the top-level fields that each request changed are kept. `overwrite`: each request writes the whole session, and the last one wins.',
  },
  touchAfter: {
    text: 'Milliseconds. A write that would only move the expiry is skipped if it moves it by less than this, and by less than half of the remaining time.',
  },
  'encryption.keys': {
    text: 'The keys, each 32 random bytes (a `Buffer`, or base64) with an `id` of 1 to 4 letters or digits: the first key encrypts, each one decrypts. Or a function that returns them; it is called again every five minutes. Or `{ kms: \'alias/…\' }`: a key of AWS KMS, by its id, its alias or its ARN. It wraps data keys that the store makes, one every 30 days, and keeps in the table. Of an array, the first one wraps, and the others unwrap what they wrapped before. See [Sessions at rest](at-rest.md).',
    typescript: 'readonly EncryptionKey[] | (() => readonly EncryptionKey[] | Promise<readonly EncryptionKey[]>) | KmsKeys',
    flow: 'ReadonlyArray<EncryptionKey> | (() => ReadonlyArray<EncryptionKey> | Promise<ReadonlyArray<EncryptionKey>>) | KmsKeys',
  },
  'encryption.mode': {
    text: '`read`: opens encrypted sessions and writes plain ones. `on`: reads plain sessions and writes encrypted ones. `only`: refuses plain sessions.',
  },
  'encryption.context': {
    text: 'What the keys are bound to: sessions that were encrypted in one context cannot be opened in another one.',
    default: 'the option `prefix`',
  },
  'encryption.pad': {
    text: 'Bytes. The length of an encrypted session is rounded up to a multiple of this, because lengths can tell what a session holds.',
  },
  compress: {
    text: 'Whether a session is compressed where its item then takes fewer capacity units. Version 1 of this package takes such a session for expired.',
  },
  hashIds: {
    text: 'Whether the table has a hash of each session\'s id in place of the id, so that who can read the table can use no session. `read`: sessions with a hashed id are found too. `on`: new sessions have one, and older ones are found. `only`: no other session is found. Recommended for a new table: `only`. See [Sessions at rest](at-rest.md#hashed-ids).',
    typescript: 'false | \'read\' | \'on\' | \'only\'',
    flow: 'false | \'read\' | \'on\' | \'only\'',
  },
  absoluteMaxAge: {
    text: 'Milliseconds that a session lives at most after its creation, however often it is used.',
    default: 'no limit',
  },
  operationTimeout: {
    text: 'Milliseconds that a call may take, retries included. A longer `connectTimeout` and `timeout` of `httpOptions` raise the default to their sum.',
  },
  maxConnections: {
    text: 'The number of open connections. Further requests wait for a free one.',
  },
  maxQueue: {
    text: 'The number of calls that may wait for a connection. One more fails at once with `OverloadedError`.',
  },
  retryBudget: {
    text: 'The number of retries that all calls may make together while none of them succeeds. After that, each call has one attempt.',
  },
  layout: {
    text: 'The package whose table the store takes over, with that package\'s defaults for `prefix` and `table.hashKey`. Only for `koa-session-dynamodb-store/express`.',
    default: 'the layout of this package',
  },
  specialKeys: {
    text: 'For `layout: \'connect-dynamodb\'`, as that package has it: fields of the session that are attributes of the item as well, each `{ name, type }` with the type `S` or `N`. For any other layout write `attributes`.',
    typescript: 'readonly { readonly name: string; readonly type: \'S\' | \'N\' }[]',
    flow: 'ReadonlyArray<Readonly<{ name: string, type: \'S\' | \'N\', ... }>>',
  },
  skipThrowMissingSpecialKeys: {
    text: 'Whether a session without a field that `specialKeys` names can be stored. The item then lacks the attribute.',
  },

  'dynamoConfig.region': {
    text: '`AWS_REGION`, `AMAZON_REGION` and `AWS_DEFAULT_REGION` are asked in this order.',
    default: 'environment, then profile',
  },
  'dynamoConfig.endpoint': {
    text: 'A URL, a host name or an `AWS.Endpoint`. Without it, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`, and the profile\'s `services` section and `endpoint_url` are asked.',
    default: 'the Region\'s own',
    typescript: 'string | { href: string }',
    flow: 'string | Readonly<{ href: string, ... }>',
  },
  'dynamoConfig.sslEnabled': {
    text: '`false`: plain http, where the endpoint has no scheme.',
  },
  'dynamoConfig.useFipsEndpoint': {
    text: 'Whether to use the Region\'s FIPS endpoint. Not together with `endpoint`.',
  },
  'dynamoConfig.useDualstackEndpoint': {
    text: 'Whether to use the Region\'s endpoint for IPv4 and IPv6. Not together with `endpoint`.',
  },
  'dynamoConfig.useDualstack': {
    text: 'The older name of `useDualstackEndpoint`.',
  },
  'dynamoConfig.accessKeyId': {
    text: 'With `secretAccessKey`: fixed credentials. They are used before all other sources.',
  },
  'dynamoConfig.secretAccessKey': {
    text: 'The secret that belongs to `accessKeyId`.',
  },
  'dynamoConfig.sessionToken': {
    text: 'The token of temporary credentials.',
  },
  'dynamoConfig.credentials': {
    text: 'An object, an async function (AWS SDK v3) or an `AWS.Credentials`. A source is asked again before its credentials expire. A function is given `{ callerClientConfig: { region } }`, as by the SDK\'s clients, or `{}` where only a profile says the Region.',
    typescript: 'Credentials | CredentialsProvider | CredentialsV2',
    flow: 'Credentials | CredentialsProvider | CredentialsV2',
  },
  'dynamoConfig.credentialProvider': {
    text: 'An async function or an `AWS.CredentialProviderChain`.',
    typescript: 'CredentialsProvider | CredentialsChainV2',
    flow: 'CredentialsProvider | CredentialsChainV2',
  },
  'dynamoConfig.maxRetries': {
    text: 'The number of attempts after the first.',
  },
  'dynamoConfig.retryDelayOptions.base': {
    text: 'Milliseconds. The first pause is random between 0 and this; each further one is up to twice as long.',
  },
  'dynamoConfig.httpOptions.connectTimeout': {
    text: 'Milliseconds for name resolution, connection and TLS. `0`: no limit.',
  },
  'dynamoConfig.httpOptions.timeout': {
    text: 'Milliseconds until the first byte of an answer. `0`: no limit.',
  },
  'dynamoConfig.httpOptions.proxy': {
    text: 'The `http://` URL of a proxy, or `env`: the one that `HTTPS_PROXY` names, unless `NO_PROXY` excludes the endpoint. Without it the environment\'s proxy variables are not read.',
  },
  'dynamoConfig.httpOptions.agent': {
    text: 'Its proxy, its `ca` and its `maxSockets` (for `maxConnections`) are used, not the agent itself. An agent that may connect elsewhere, such as those of proxy-agent and socks-proxy-agent, is refused.',
    typescript: 'object',
    flow: '{ ... }',
  },
  'dynamoConfig.correctClockSkew': {
    text: 'Whether to follow the service\'s clock when the host\'s is wrong.',
  },
  'dynamoConfig.systemClockOffset': {
    text: 'Milliseconds that are added to the host\'s clock.',
  },
  'dynamoConfig.signatureVersion': {
    text: 'The only version that is supported.',
  },
  'dynamoConfig.customUserAgent': {
    text: 'Appended to the `User-Agent` header.',
  },
  'dynamoConfig.logger': {
    text: 'An object with `log(line)` or `write(line)`. It gets a line for every request, without the item.',
    typescript: '{ log?(line: string): void; write?(line: string): void }',
    flow: '{ readonly log?: (line: string) => unknown, readonly write?: (line: string) => unknown, ... }',
  },
  'dynamoConfig.params': {
    text: '`ConsistentRead`, and what CreateTable takes besides keys and units (`Tags`, `BillingMode`, `SSESpecification` …).',
    typescript: 'Record<string, unknown>',
    flow: '{ readonly [string]: unknown, ... }',
  },
};
