/// <reference types="node" />

/**
 * A store for koa-session that keeps each session as one item of a DynamoDB table.
 *
 * `Session` is what the application keeps in a session.
 */
declare class DynamoDBStore<Session extends object = Record<string, any>> {
  /**
   * @param options All optional. Wrong types and unknown values throw a `TypeError` or `RangeError` that names the option.
   * @param callback Called once, when `table.autoCreate` has created the table or failed to.
   */
  constructor(options?: DynamoDBStore.Options, callback?: (error?: DynamoDBStore.StoreError) => void);

  /** The table's name. */
  readonly tableName: string;
  /** The attribute that holds the session id. */
  readonly hashKey: string;
  /** The attribute that holds the expiry: the table's own TTL attribute, where it has one. */
  readonly ttlKey: string;
  readonly readCapacityUnits: number;
  readonly writeCapacityUnits: number;
  /** Whether the Region's name contains `local`. */
  readonly isLocal: boolean;
  readonly useTtlExpired: boolean;
  readonly autoCreateTable: boolean;

  /** Resolves once a creation of the table that is under way is done; rejects if it failed. */
  readonly ready: Promise<void>;

  /** The session, or undefined when there is none, it has expired, or the id cannot be one. */
  get(id: string, maxAge?: DynamoDBStore.MaxAge, options?: object): Promise<Session | undefined>;

  /**
   * Stores a session for `maxAge` milliseconds, or `sessionTtl` when that is undefined or `'session'`.
   * An object in it is written whole: keep fields that must agree in one object.
   */
  set(id: string, session: Session, maxAge?: DynamoDBStore.MaxAge, options?: object): Promise<void>;

  /** Deletes a session, if there is one. */
  destroy(id: string, options?: object): Promise<void>;

  /** Creates the table if it is missing and waits until it can be used. */
  createTableIfDontExists(): Promise<void>;
  /** The same; errors go to the callback alone. */
  createTableIfDontExists(callback: (error?: DynamoDBStore.StoreError) => void): Promise<void>;

  /** What the service says about the table; null when there is none. */
  isTableCreated(): Promise<DynamoDBStore.TableState | null>;

  /** Creates the table. */
  createTable(): Promise<{ TableDescription: DynamoDBStore.TableDescription }>;

  /** Applies those options to the table that the caller gave. */
  updateTable(): Promise<{ TableDescription: DynamoDBStore.TableDescription }>;

  /** Turns the deletion of expired items on or off, as `useTtlExpired` says. */
  setTtlField(): Promise<{ TimeToLiveSpecification: { AttributeName: string; Enabled: boolean } }>;

  /** When a session ends that is stored now with this `maxAge`: a whole second. */
  getExpirationDate(maxAge?: DynamoDBStore.MaxAge): Date;

  /**
   * Tells operators what is no error: a write that was dropped because its session had gone (`conflict`), an item that
   * is no session (`unreadable`), a request that is repeated (`retry`), an answer that asks for fewer (`throttled`).
   * Stores of one configuration share their events.
   */
  on<Name extends keyof DynamoDBStore.Events>(name: Name, listener: (event: DynamoDBStore.Events[Name]) => void): this;
  once<Name extends keyof DynamoDBStore.Events>(name: Name, listener: (event: DynamoDBStore.Events[Name]) => void): this;
  off<Name extends keyof DynamoDBStore.Events>(name: Name, listener: (event: DynamoDBStore.Events[Name]) => void): this;

  /** What this store, and all others of its configuration, have done since the first of them was made. */
  stats(): DynamoDBStore.Stats;

  /** Replaces the options. */
  setOptions(options: DynamoDBStore.Options): void;

  /** Waits for the calls under way. An idle store keeps no process alive. */
  close(): Promise<void>;
}

declare namespace DynamoDBStore {
  export { DynamoDBStore, DynamoDBStore as default };

  /** Milliseconds; `'session'` and undefined mean `sessionTtl`. */
  export type MaxAge = number | 'session' | null;

  export interface Options {
    table?: TableOptions;
    dynamoConfig?: DynamoConfig;
    /** Prepended to every session id. Default: nothing. */
    prefix?: string;
    /** Whether reads see every write acknowledged before, at twice the read units. Default: `true`. */
    consistentRead?: boolean;
    /** Milliseconds a session lives that is stored without a `maxAge`. Default: one day. */
    sessionTtl?: number;
    /**
     * Milliseconds. A write that would only move the expiry forward, by less than this and by less than half of what is
     * left, is not sent. Default: 0, every one is.
     */
    touchAfter?: number;
    /** Milliseconds a session lives at most after its creation, however often it is used. Default: no limit. */
    absoluteMaxAge?: number;
    /**
     * What becomes of requests that change one session in parallel. `'merge'`: each writes the top-level fields it
     * changed. `'overwrite'`: each writes the whole session, and the last one wins. Default: `'merge'`.
     */
    conflict?: 'merge' | 'overwrite';
    /** Milliseconds a call may take in all, retries included. Default: 5000, more where `httpOptions` allows an attempt more. */
    operationTimeout?: number;
    /** Connections open at once; further requests wait for one. Default: 128, or the `maxSockets` of `httpOptions.agent`. */
    maxConnections?: number;
    /** Calls under way beyond those; one more fails at once with `OverloadedError`. Default: 4096. */
    maxQueue?: number;
    /** Retries of all calls together while none succeeds; then a call has one attempt. Default: 100. */
    retryBudget?: number;
  }

  export interface Events {
    conflict: { idHash: string; operation: string };
    unreadable: { idHash: string };
    retry: { operation: string; attempt: number; code: string | null };
    throttled: { operation: string; code: string };
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
    /** Writes that were dropped because their session had gone. */
    conflicts: number;
    /** Writes that were not sent because of `touchAfter`. */
    skippedTouches: number;
    retries: number;
    /** Retries that were not made, because the budget was used up. */
    withheldRetries: number;
    throttles: number;
    /** Writes that nothing guarded, because nothing was known of the session. */
    unguardedWrites: number;
  }

  export interface TableOptions {
    /** Default: `sessions`. */
    name?: string;
    /** The partition key, a string. Default: `sessionId`. */
    hashKey?: string;
    /** The attribute for the expiry. A TTL attribute already enabled on the table takes priority. Default: `expires`. */
    ttlKey?: string;
    /** Whether DynamoDB deletes expired items. Default: `true` for a new table; one that exists is left alone. */
    useTtlExpired?: boolean;
    /** Default: 5 for a new table; one that exists is left alone. */
    readCapacityUnits?: number | string;
    /** Default: 5 for a new table; one that exists is left alone. */
    writeCapacityUnits?: number | string;
    /** Whether to create the table during construction. Default: `false`. */
    autoCreate?: boolean;
    /** Default: `PROVISIONED`. */
    billingMode?: 'PROVISIONED' | 'PAY_PER_REQUEST';
    /** Merged into the CreateTable request: tags, table class, encryption, deletion protection. */
    createTable?: Record<string, unknown>;
  }

  export interface Credentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string | undefined;
    /** When they expire and are asked for again. Default: never. */
    expiration?: Date | undefined;
  }

  /** As the AWS SDK v3 has it. */
  export type CredentialsProvider = () => Promise<Credentials>;

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

  /** The options of the AWS SDK v2's `AWS.DynamoDB`, those that have an effect. */
  export interface DynamoConfig {
    region?: string | null;
    endpoint?: string | { href: string } | null;
    accessKeyId?: string | null;
    secretAccessKey?: string | null;
    sessionToken?: string | null;
    credentials?: Credentials | CredentialsProvider | CredentialsV2 | null;
    credentialProvider?: CredentialsProvider | CredentialsChainV2 | null;
    sslEnabled?: boolean;
    useFipsEndpoint?: boolean;
    useDualstackEndpoint?: boolean;
    /** Retries after the first attempt. Default: 3. */
    maxRetries?: number;
    /** `base`: milliseconds of the first backoff at most. Default: 25. */
    retryDelayOptions?: { base?: number };
    httpOptions?: {
      /** Milliseconds. Default: 1000. 0: no limit. */
      connectTimeout?: number;
      /** Milliseconds to the first byte of an answer. Default: 1000. 0: no limit. */
      timeout?: number;
      /** The URL of an HTTP proxy. */
      proxy?: string;
      /** Its proxy, its `ca` and its `maxSockets` are used. */
      agent?: object;
    };
    correctClockSkew?: boolean;
    /** Milliseconds. */
    systemClockOffset?: number;
    signatureVersion?: 'v4';
    customUserAgent?: string;
    /** Told about every request, without the item. */
    logger?: { log(line: string): void } | { write(line: string): void } | null;
    params?: Record<string, unknown>;
    /** What else `AWS.DynamoDB` takes is ignored; see the README. */
    [option: string]: unknown;
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
    /** The service's name for the error, where `code` is the package's: `ItemTooLargeError` for a `ValidationException`. */
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
}

export = DynamoDBStore;
