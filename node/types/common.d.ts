/** The types that all entries share. Those of the options are in ./options.d.ts. */

export type { DynamoConfig, ExpressOptions, Options, TableOptions } from './options.js';

/** Milliseconds; `'session'`, null and undefined mean the option `sessionTtl`. */
export type MaxAge = number | 'session' | null;

/**
 * An empty object, as version 1 resolved with. It is `void` as well because the types of koa-session expect a
 * `Promise<void>` of a store.
 */
export type Empty = {} & void;

/** What a callback for the creation of the table gets: nothing, or why it failed. */
export type CreationCallback<E = StoreError> = (error?: E) => void;

/** The properties of a store that show its options. */
export interface Properties {
  /** The table's name. */
  readonly tableName: string;
  /** The attribute that holds the session id. */
  readonly hashKey: string;
  readonly readCapacityUnits: number;
  readonly writeCapacityUnits: number;
  /** Whether the Region's name contains `local`. */
  readonly isLocal: boolean;
  readonly useTtlExpired: boolean;
  readonly autoCreateTable: boolean;
}

/** What a store does with every framework. */
export interface Store<E = StoreError> extends Properties {
  /** The attribute that holds the expiry: the table's own TTL attribute, where it has one. */
  readonly ttlKey: string;

  /** Resolves when a running creation of the table has ended; rejects if it failed. */
  readonly ready: Promise<void>;

  /** Creates the table if it does not exist, and waits until it can be used. */
  createTableIfDontExists(): Promise<void>;
  /** The same; an error goes to the callback alone. */
  createTableIfDontExists(callback: CreationCallback<E>): Promise<void>;

  /** What this store, and all others with equal options, have done since the first of them was made. */
  stats(): Stats;

  /** Waits for the running calls. An idle store keeps no process alive. */
  close(): Promise<void>;
}

/** The events of a store, and what their listeners get. Stores with equal options share their events. */
export interface Events {
  /** A write was dropped because its session had been deleted. */
  conflict: { ref: string; operation: string };
  /** An item is not a valid session. */
  unreadable: { ref: string };
  /** A request is repeated. */
  retry: { operation: string; attempt: number; code: string | null };
  /** The service asks for fewer requests. */
  throttled: { operation: string; code: string };
}

/** A key for the option `encryption`. */
export interface EncryptionKey {
  /** 1 to 4 letters, digits, hyphens or underscores. It is stored with each session. */
  readonly id: string;
  /** 32 random bytes, or their base64. */
  readonly key: Uint8Array | string;
}

/** A key of AWS KMS that wraps data keys, for the option `encryption`. */
export interface KmsKeys {
  /** Its id, its alias (`alias/…`), or the ARN of either. In an array, those after the first wrapped data keys before. */
  readonly kms: string | readonly string[];
}

export interface OperationStats {
  calls: number;
  errors: number;
  /** Requests sent, repetitions included. */
  requests: number;
  timeTotalMs: number;
  timeMaxMs: number;
  capacityUnits: number;
}

export interface Stats {
  /** By operation, such as `GetItem`; `Table` for all that manage the table. */
  operations: { [operation: string]: OperationStats };
  capacityUnits: number;
  /** Writes that were dropped because their session had been deleted. */
  conflicts: number;
  /** Writes that were not sent because of `touchAfter`. */
  skippedTouches: number;
  retries: number;
  /** Retries that were not made because the budget was used up. */
  withheldRetries: number;
  throttles: number;
  /** Writes of a whole session in place of whatever was stored, because the session had not been loaded before. */
  unguardedWrites: number;
  /** Sessions that were written encrypted or compressed. */
  sealedWrites: number;
  /** By the id of a key: how often encrypted sessions were opened or written with it. */
  sealedByKey: { [id: string]: number };
  /** Write capacity units that compression has saved. */
  unitsSaved: number;
  /** Writes that were made again because another request had changed the session meanwhile. */
  mergeRetries: number;
  /** Sessions that `revoke` and `revokeUser` ended, and those that ended because their user had too many. */
  revokedSessions: number;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  /** When they expire. They are asked for again before that. Default: never. */
  expiration?: Date | undefined;
}

/** As the AWS SDK v3 has it. */
export type CredentialsProvider = (given: CredentialsRequest) => Promise<Credentials>;

/** What a credentials provider is given, as by a client of the AWS SDK v3. */
export interface CredentialsRequest {
  /** Missing where neither the options nor the environment say a Region. */
  callerClientConfig?: { region: () => Promise<string> };
}

/** As `AWS.Credentials` of the AWS SDK v2 is. */
export interface CredentialsV2 {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  expireTime?: Date | undefined;
  get(callback: (error?: any) => void): void;
}

/** As `AWS.CredentialProviderChain` of the AWS SDK v2 is. */
export interface CredentialsChainV2 {
  resolve(callback: (error: any, credentials: any) => void): any;
}

export interface TableDescription {
  TableName: string;
  TableArn: string | null;
  TableStatus: string;
  KeySchema: Array<{ AttributeName: string; KeyType: 'HASH' | 'RANGE' }>;
  BillingModeSummary: { BillingMode: 'PROVISIONED' | 'PAY_PER_REQUEST' };
  ProvisionedThroughput: { ReadCapacityUnits: number; WriteCapacityUnits: number };
  ItemCount: number;
  TableSizeBytes: number;
}

export interface TableState {
  describeTable: { Table: TableDescription };
  describeTimeToLive: { TimeToLiveDescription: { TimeToLiveStatus: string; AttributeName?: string } };
}

/** What every failed call rejects with. */
export interface StoreError extends Error {
  /** The service's name for the error, or one of the package's own, such as `TimeoutError`. */
  code: string;
  /** The service's name for the error where `code` is the package's own: `ItemTooLargeError` for a `ValidationException`. */
  serviceCode?: string;
  /** Whether the same call may succeed later without a change. */
  retryable: boolean;
  /** What Koa and Express answer the visitor with. */
  status: 500;
  /** The HTTP status of the service's last answer. */
  statusCode?: number;
  requestId?: string;
  /** When the service or the connection refused. */
  time?: Date;
  /** The DynamoDB operation, such as `GetItem`. */
  operation?: string;
  /** How many requests were sent. */
  attempts?: number;
  table?: string;
  endpoint?: string;
  /** What to do next. */
  hint?: string;
  cause?: unknown;
}

/** The error of a store for express-session and @fastify/session. */
export interface ExpressStoreError extends Omit<StoreError, 'statusCode'> {
  /** What @fastify/session answers the visitor with. */
  statusCode?: 500;
  /** The HTTP status of the service's last answer. */
  serviceStatusCode?: number;
}

/** The id of a user, as the option `users.of` returns it. A number and its text mean the same user. */
export type UserId = string | number | bigint;

/** A live session of a user. */
export interface UserSession {
  /** The name of the session, which opens nothing. */
  ref: string;
  /** What `users.label` returned when the session became the user's. */
  label: string | undefined;
  /** Whether it is the session that asks. */
  current: boolean;
  /** When it was created. */
  created: Date | undefined;
  /** When it became the user's. */
  signedIn: Date;
  /** When it was last written. A view that writes nothing does not count. */
  lastSeen: Date | undefined;
  /** When it ends. */
  expires: Date | undefined;
}
