// Generated from lib/options by scripts/options.js. Do not edit.

import type {
  Credentials, CredentialsChainV2, CredentialsProvider, CredentialsV2, EncryptionKey, KmsKeys,
} from './common.js';

/** The option `table`. */
export interface TableOptions {
  /** The name of the table, or its ARN. Default: `sessions`. */
  name?: string;
  /** The partition key of the table: an attribute of type string. Default: `sessionId`. */
  hashKey?: string;
  /**
   * The attribute for the expiry. If the TTL of the table is on another attribute, both are used, and the earlier expiry
   * counts. Default: `expires`.
   */
  ttlKey?: string;
  /** Whether DynamoDB deletes expired items. An existing table is changed only when you set this. Default: `true`. */
  useTtlExpired?: boolean;
  /**
   * Read units per second of a provisioned table. An existing table is changed only when you set this. Numeric strings
   * are accepted. Default: `5`.
   */
  readCapacityUnits?: number | string;
  /**
   * Write units per second of a provisioned table. An existing table is changed only when you set this. Numeric strings
   * are accepted. Default: `5`.
   */
  writeCapacityUnits?: number | string;
  /** Whether to create the table during construction if it does not exist. Default: `false`. */
  autoCreate?: boolean;
  /** How a new table is billed. Default: `PROVISIONED`. */
  billingMode?: 'PROVISIONED' | 'PAY_PER_REQUEST';
  /** Merged into the CreateTable request: tags, table class, encryption, deletion protection. */
  createTable?: Record<string, unknown>;
}

/** The option `dynamoConfig`: the options of the AWS SDK v2's `AWS.DynamoDB`. `null` counts as not given. */
export interface DynamoConfig {
  /**
   * `AWS_REGION`, `AMAZON_REGION` and `AWS_DEFAULT_REGION` are asked in this order. Default: environment, then profile.
   */
  region?: string | null;
  /**
   * A URL, a host name or an `AWS.Endpoint`. Without it, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`, and the
   * profile's `services` section and `endpoint_url` are asked. Default: the Region's own.
   */
  endpoint?: string | { href: string } | null;
  /** `false`: plain http, where the endpoint has no scheme. Default: `true`. */
  sslEnabled?: boolean | null;
  /** Whether to use the Region's FIPS endpoint. Not together with `endpoint`. Default: `false`. */
  useFipsEndpoint?: boolean | null;
  /** Whether to use the Region's endpoint for IPv4 and IPv6. Not together with `endpoint`. Default: `false`. */
  useDualstackEndpoint?: boolean | null;
  /** The older name of `useDualstackEndpoint`. Default: `false`. */
  useDualstack?: boolean | null;
  /** With `secretAccessKey`: fixed credentials. They are used before all other sources. */
  accessKeyId?: string | null;
  /** The secret that belongs to `accessKeyId`. */
  secretAccessKey?: string | null;
  /** The token of temporary credentials. */
  sessionToken?: string | null;
  /**
   * An object, an async function (AWS SDK v3) or an `AWS.Credentials`. A source is asked again before its credentials
   * expire. A function is given `{ callerClientConfig: { region } }`, as by the SDK's clients, or `{}` where only a
   * profile says the Region.
   */
  credentials?: Credentials | CredentialsProvider | CredentialsV2 | null;
  /** An async function or an `AWS.CredentialProviderChain`. */
  credentialProvider?: CredentialsProvider | CredentialsChainV2 | null;
  /** The number of attempts after the first. Default: `3`. */
  maxRetries?: number | null;
  retryDelayOptions?: {
    /**
     * Milliseconds. The first pause is random between 0 and this; each further one is up to twice as long. Default: `25`.
     */
    base?: number;
  } | null;
  httpOptions?: {
    /** Milliseconds for name resolution, connection and TLS. `0`: no limit. Default: `1000`. */
    connectTimeout?: number;
    /** Milliseconds until the first byte of an answer. `0`: no limit. Default: `1000`. */
    timeout?: number;
    /**
     * The `http://` URL of a proxy, or `env`: the one that `HTTPS_PROXY` names, unless `NO_PROXY` excludes the endpoint.
     * Without it the environment's proxy variables are not read.
     */
    proxy?: string;
    /**
     * Its proxy, its `ca` and its `maxSockets` (for `maxConnections`) are used, not the agent itself. An agent that may
     * connect elsewhere, such as those of proxy-agent and socks-proxy-agent, is refused.
     */
    agent?: object;
    /** Ignored. */
    xhrAsync?: boolean;
    /** Ignored. */
    xhrWithCredentials?: boolean;
  } | null;
  /** Whether to follow the service's clock when the host's is wrong. Default: `true`. */
  correctClockSkew?: boolean | null;
  /** Milliseconds that are added to the host's clock. Default: `0`. */
  systemClockOffset?: number | null;
  /** The only version that is supported. Default: `v4`. */
  signatureVersion?: 'v4' | null;
  /** Appended to the `User-Agent` header. */
  customUserAgent?: string | null;
  /** An object with `log(line)` or `write(line)`. It gets a line for every request, without the item. */
  logger?: { log?(line: string): void; write?(line: string): void } | null;
  /**
   * `ConsistentRead`, and what CreateTable takes besides keys and units (`Tags`, `BillingMode`, `SSESpecification` …).
   */
  params?: Record<string, unknown> | null;
  /** Without effect: responses are always converted. */
  convertResponseTypes?: boolean | null;
  /** Without effect: requests go to the Region's endpoint. */
  endpointDiscoveryEnabled?: boolean | null;
  /** Without effect: it is a feature of the AWS SDK. */
  clientSideMonitoring?: boolean | null;
  /** Ignored. */
  apiVersion?: unknown;
  /** Ignored. */
  apiVersions?: unknown;
  /** Ignored. */
  computeChecksums?: unknown;
  /** Ignored. */
  dynamoDbCrc32?: unknown;
  /** Ignored. */
  endpointCacheSize?: unknown;
  /** Ignored. */
  hostPrefixEnabled?: unknown;
  /** Ignored. */
  maxRedirects?: unknown;
  /** Ignored. */
  paramValidation?: unknown;
  /** Ignored. */
  s3BucketEndpoint?: unknown;
  /** Ignored. */
  s3DisableBodySigning?: unknown;
  /** Ignored. */
  s3ForcePathStyle?: unknown;
  /** Ignored. */
  s3UsEast1RegionalEndpoint?: unknown;
  /** Ignored. */
  s3UseArnRegion?: unknown;
  /** Ignored. */
  signatureCache?: unknown;
  /** Ignored. */
  stsRegionalEndpoints?: unknown;
  /** Ignored. */
  token?: unknown;
  /** Ignored. */
  tokenProvider?: unknown;
  /** Ignored. */
  useAccelerateEndpoint?: unknown;
}

/** The options of a store. */
export interface Options {
  table?: TableOptions;
  /** Connection and credentials. */
  dynamoConfig?: DynamoConfig;
  /**
   * Put before every session id, so that applications can share a table. End it with a separator, such as `:`. Otherwise
   * the store also reads, lists and clears sessions whose prefix begins with this one: `shop` those of `shop-admin:`.
   */
  prefix?: string;
  /** Whether a read sees every write that was acknowledged before. `false` halves the read units. Default: `true`. */
  consistentRead?: boolean;
  /**
   * Milliseconds that a session lives when it is stored without a `maxAge`, or with `'session'`. One day, if you do not
   * set it. The option `ttl` overrides it. Default: `86400000`.
   */
  sessionTtl?: number;
  /**
   * Milliseconds that the store keeps an unused session, whatever its cookie says. Or a function `(session, maxAge) =>
   * ms`, where `maxAge` is what the cookie says, in milliseconds, and undefined for one that lives as long as the
   * browser. A function must be synchronous. See [how long a session is kept](attributes.md#how-long-a-session-is-kept).
   * Default: as long as the cookie lives, or `sessionTtl`.
   */
  ttl?: number | ((session: any, maxAge: number | undefined) => number);
  /**
   * Top-level attributes that each item has beside the session, such as the key of an index: `{ user_id: (session) =>
   * session.user?.id }`. A function returns a string, a finite number, or undefined for no attribute. It must be
   * synchronous. See [Attributes for an index](attributes.md).
   */
  attributes?: Readonly<Record<string, (session: any) => string | number | undefined>>;
  users?: {
    /**
     * Returns the id of the user whose session it gets: a string or a whole number; undefined for nobody. It must be
     * synchronous. With it, the sessions of a user can be listed, and all of them be signed out: see [Users and
     * devices](users.md).
     */
    of?: (session: any) => string | number | bigint | null | undefined;
    /**
     * How many sessions a user can have. When there is one more, the one that became the user's first ends. Default: `20`.
     */
    max?: number;
    /**
     * Returns the text by which the user recognises the session, such as the name of the browser. At most 256 bytes are
     * kept. The second argument is the request: Koa's context, or the request of Express or Fastify.
     */
    label?: (session: any, request: any) => string | null | undefined;
  };
  /**
   * What happens when parallel requests change one session. `merge`: the top-level fields that each request changed are
   * kept. `overwrite`: each request writes the whole session, and the last one wins. Default: `merge`.
   */
  parallelChanges?: 'merge' | 'overwrite';
  /** @deprecated The older name of `parallelChanges`. */
  conflict?: 'merge' | 'overwrite';
  /**
   * Milliseconds. A write that would only move the expiry is skipped if it moves it by less than this, and by less than
   * half of the remaining time. Default: `0`.
   */
  touchAfter?: number;
  encryption?: {
    /**
     * The keys, each 32 random bytes (a `Buffer`, or base64) with an `id` of 1 to 4 letters or digits: the first key
     * encrypts, each one decrypts. Or a function that returns them; it is called again every five minutes. Or `{ kms:
     * 'alias/…' }`: a key of AWS KMS, by its id, its alias or its ARN. It wraps data keys that the store makes, one every
     * 30 days, and keeps in the table. Of an array, the first one wraps, and the others unwrap what they wrapped before.
     * See [Sessions at rest](at-rest.md).
     */
    keys?: readonly EncryptionKey[] | (() => readonly EncryptionKey[] | Promise<readonly EncryptionKey[]>) | KmsKeys;
    /**
     * `read`: opens encrypted sessions and writes plain ones. `on`: reads plain sessions and writes encrypted ones. `only`:
     * refuses plain sessions. Default: `on`.
     */
    mode?: 'read' | 'on' | 'only';
    /**
     * What the keys are bound to: sessions that were encrypted in one context cannot be opened in another one. Default: the
     * option `prefix`.
     */
    context?: string;
    /**
     * Bytes. The length of an encrypted session is rounded up to a multiple of this, because lengths can tell what a
     * session holds. Default: `0`.
     */
    pad?: number;
  };
  /**
   * Whether a session is compressed where its item then takes fewer capacity units. Version 1 of this package takes such
   * a session for expired. Default: `false`.
   */
  compress?: boolean;
  /**
   * Whether the table has a hash of each session's id in place of the id, so that who can read the table can use no
   * session. `read`: sessions with a hashed id are found too. `on`: new sessions have one, and older ones are found.
   * `only`: no other session is found. Recommended for a new table: `only`. See [Sessions at
   * rest](at-rest.md#hashed-ids). Default: `false`.
   */
  hashIds?: false | 'read' | 'on' | 'only';
  /** Milliseconds that a session lives at most after its creation, however often it is used. Default: no limit. */
  absoluteMaxAge?: number;
  /**
   * Milliseconds that a call may take, retries included. A longer `connectTimeout` and `timeout` of `httpOptions` raise
   * the default to their sum. Default: `5000`.
   */
  operationTimeout?: number;
  /** The number of open connections. Further requests wait for a free one. Default: `128`. */
  maxConnections?: number;
  /**
   * The number of calls that may wait for a connection. One more fails at once with `OverloadedError`. Default: `4096`.
   */
  maxQueue?: number;
  /**
   * The number of retries that all calls may make together while none of them succeeds. After that, each call has one
   * attempt. Default: `100`.
   */
  retryBudget?: number;
}

/** The options of a store for express-session and @fastify/session. */
export interface ExpressOptions extends Options {
  /**
   * The package whose table the store takes over, with that package's defaults for `prefix` and `table.hashKey`. Only for
   * `koa-session-dynamodb-store/express`. Default: the layout of this package.
   */
  layout?: 'connect-dynamodb' | 'dynamodb-store';
  /**
   * For `layout: 'connect-dynamodb'`, as that package has it: fields of the session that are attributes of the item as
   * well, each `{ name, type }` with the type `S` or `N`. For any other layout write `attributes`.
   */
  specialKeys?: readonly { readonly name: string; readonly type: 'S' | 'N' }[];
  /**
   * Whether a session without a field that `specialKeys` names can be stored. The item then lacks the attribute. Default:
   * `false`.
   */
  skipThrowMissingSpecialKeys?: boolean;
}
