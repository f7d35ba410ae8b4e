// Generated from src/ by scripts/build.js. Do not edit.

/** How sessions are encrypted. */
export interface Encryption {
  /** The keys: the first one encrypts, each decrypts. */
  keys?: Array<GivenKey>
  /** The number of a provider of keys in JavaScript. */
  provider?: number
  /** KMS keys: the first one wraps data keys, each unwraps them. */
  kms?: Array<string>
  /** `read`, `on` or `only`. Default `on`. */
  mode?: string
  /** What the keys are bound to. Default: the prefix. */
  context?: string
  /** The length of encrypted data is rounded up to a multiple of this, in bytes. Default 0. */
  pad?: number
}

/** A field that is written together with the expiry. */
export interface ExpiryFieldDescription {
  /** The field's name. */
  name: string
  /**
   * Where the field holds the end of the session: `true` for the field itself, or the names of fields inside it.
   * Default: nowhere, because the field is a setting.
   */
  instants?: boolean | Array<string>
  /** The names of fields inside it that say in milliseconds how long sessions last. Default: no fields. */
  durations?: Array<string>
}

/** Why a call failed. Its promise is rejected with this. */
export interface Failure {
  /** The name of the error's kind, such as `TableNotFound`. */
  kind: string
  /** The service's name for the error. */
  code?: string
  /** The reason. It holds no id, no session data and no secret. */
  message: string
  /** The setting at fault: the core's name for it, or an environment variable. */
  setting?: string
  /** The name of the remedy, such as `CreateTable`. */
  remedy?: string
  /** The `DynamoDB` operation, such as `GetItem`. */
  operation?: string
  /** The table of the operation. */
  table?: string
  /** The endpoint of the request. */
  endpoint?: string
  /** The service's id of the last request. */
  requestId?: string
  /** The HTTP status of the last answer. */
  status?: number
  /** How many requests were sent. */
  attempts: number
  /** Whether the same call may succeed later without a change. */
  retryable: boolean
  /** The causes of the failure, the outermost first. */
  causes: Array<string>
}

/** The fields that a framework keeps in a session beside the application's data. Default: no fields. */
export interface FrameworkDescription {
  /** The fields that are always written together with the expiry. */
  expiry?: Array<ExpiryFieldDescription>
  /** The names of fields that the framework does not copy from a stored session into the session that it saves. */
  notCarried?: Array<string>
  /** Prefixes of such names. */
  notCarriedPrefixes?: Array<string>
}

/** An encryption key. */
export interface GivenKey {
  /** One to four characters. */
  id: string
  /** 32 bytes in base64. */
  key: string
}

/** Credentials from a provider in JavaScript. */
export interface ProvidedCredentials {
  /** The access key. */
  accessKeyId: string
  /** Its secret. */
  secretAccessKey: string
  /** The token of temporary credentials. */
  sessionToken?: string
  /** When they expire, in epoch milliseconds. Default: never. */
  expiration?: number
}

/** Sessions in one table. */
export declare class Store {
  /**
   * Makes a store for a framework. Shares the connections of a store with equal options. Sends no request.
   *
   * `ask(question)` asks the credentials provider of the options, and `answerCredentials` answers it. `askKeys` and
   * `answerKeys` do the same for the provider of encryption keys. `log(line)` is the options' logger. They are kept for
   * as long as a store has them, and must not throw.
   */
  constructor(options: StoreOptions, framework?: FrameworkDescription | undefined | null, ask?: (question: number) => void, log?: (line: string) => void, askKeys?: (question: number) => void)
  /** The session's frame: its head, a new line and its text. */
  get(id: string): Promise<string | undefined>
  /**
   * Stores a session's text. It expires `ttlMs` milliseconds from now. `head` and `base` are the two parts of the
   * loaded frame. The head is empty if a load found no session, and undefined if the session was not loaded.
   *
   * `beside` is what the write says beside the session; see `beside.rs`.
   *
   * Resolves with the head of the session as it is stored now, or with an empty text if the session is gone.
   */
  set(id: string, text: string, ttlMs: number, head: string | undefined | null, base: string, beside?: string | undefined | null): Promise<string>
  /**
   * Moves the expiry of a loaded session, and writes the fields of its text that belong to the expiry. `head` and
   * `base` are the two parts of its frame. `isLimit` says that the expiry is a limit of the application's own. Resolves
   * as `set` does.
   */
  touch(id: string, text: string, ttlMs: number, head: string, base: string, isLimit?: boolean | undefined | null): Promise<string>
  /**
   * Deletes a session. Succeeds even if it does not exist. With the `head` of the frame that was loaded, it deletes
   * that session only, and need not read it first.
   */
  destroy(id: string, head?: string | undefined | null): Promise<void>
  /**
   * One page of the live sessions, as JSON: `{"sessions": [[id, frame, ref], …], "next": token}`. `frame` is as `get`
   * returns it. `token` is the argument for the next page, or null after the last one.
   */
  list(token?: string | undefined | null): Promise<string>
  /**
   * Deletes all sessions, and resolves with their number. With `tombstones`, it deletes tombstones too, and leaves
   * none.
   */
  clear(tombstones: boolean): Promise<string>
  /** Deletes the expired sessions, and resolves with their number. */
  deleteExpired(): Promise<string>
  /** The statistics of all stores with the same options, as JSON. */
  stats(): string
  /**
   * Adds a listener: from now on `event(line)` gets events as lines of JSON, for as long as this store is there. It
   * must not throw.
   */
  listen(event: (line: string) => void): void
  /** Reports that the session under this id, with this head, is none that the framework can work with. */
  reportUnreadable(id: string, head: string): void
  /** Throws if an application cannot have an attribute of this name beside its sessions. */
  checkAttribute(name: string): void
  /** The service's description of the table, as JSON. Undefined if the table does not exist. */
  describeTable(): Promise<string | undefined>
  /** Creates the table if it is missing. Applies the options that are set to a table that exists. */
  createTableIfMissing(options: TableOptions): Promise<string>
  /** Creates the table. */
  createTable(options: TableOptions): Promise<string>
  /** Applies the options that are set to the table. */
  updateTable(options: TableOptions): Promise<string>
  /** Turns the deletion of expired items on or off. */
  setTtl(enabled: boolean): Promise<void>
  /** The attribute that holds the expiry; creating the table can change it. */
  get ttlAttribute(): string
  /** Whether requests go over plain HTTP to another host. */
  get isInsecure(): boolean
  /** The time by the corrected clock, in epoch milliseconds. */
  now(): number
  /**
   * Registers a loaded session, which has this head, with the user that `beside` names. Resolves with the head of the
   * session as it is stored now, or with an empty text if it has been revoked.
   */
  register(id: string, head: string, beside: string): Promise<string>
  /**
   * The live sessions of a user, as JSON: `[{ "ref", "label", "created", "signedIn", "lastSeen", "expires", "current" },
   * …]`, with times in epoch milliseconds or null. `current` is the id of the session that asks.
   */
  sessionsOf(user: string, current?: string | undefined | null): Promise<string>
  /** Ends one session of a user, by its reference. Resolves with `true`, or with `false` if there is none. */
  revoke(user: string, reference: string): Promise<string>
  /** Ends all sessions of a user, except the one with this id. Resolves with how many there were. */
  revokeUser(user: string, except?: string | undefined | null): Promise<string>
}

/** The configuration of a store. Stores of equal options share connections and credentials. */
export interface StoreOptions {
  /** The environment variables of the thread that makes the store. */
  environment: Record<string, string>
  /** The table's name. Default `sessions`. */
  tableName?: string
  /** The attribute that is the partition key. Default `sessionId`. */
  partitionKey?: string
  /** The attribute that holds the expiry. Default `expires`. */
  ttlAttribute?: string
  /** Prepended to every session id. Default: empty. */
  prefix?: string
  /** Whether reads are strongly consistent. Default `true`. */
  consistentRead?: boolean
  /** The Region. Default: environment, then profile. */
  region?: string
  /** The URL that requests go to. Default: the Region's endpoint. */
  endpointUrl?: string
  /** Whether to use the FIPS endpoint. Default `false`. */
  useFips?: boolean
  /** Whether to use the dual-stack endpoint. Default `false`. */
  useDualStack?: boolean
  /** Whether the Region's own endpoint is reached over TLS. Default `true`. */
  tls?: boolean
  /** With `secretAccessKey`: fixed credentials. */
  accessKeyId?: string
  /** With `accessKeyId`: fixed credentials. */
  secretAccessKey?: string
  /** The token of temporary fixed credentials. */
  sessionToken?: string
  /** The number of a credentials provider in JavaScript. */
  credentialsProvider?: number
  /** The limit of connecting, in milliseconds. Default 1000. */
  connectTimeoutMs?: number
  /** The limit of waiting for the first byte of an answer, in milliseconds. Default 1000. */
  firstByteTimeoutMs?: number
  /** The limit of an operation with all its attempts, in milliseconds. Default 5000. */
  operationTimeoutMs?: number
  /** How often an operation is tried in all. Default 4. */
  maxAttempts?: number
  /** The longest first backoff, in milliseconds. Default 25. */
  retryBaseMs?: number
  /** The most retries of all operations together while no operation succeeds. Default 100. */
  retryBudget?: number
  /** The most connections open at once. Default 128. */
  maxConnections?: number
  /** The most operations under way beyond one for each connection. Default 4096. */
  maxQueue?: number
  /** The only certificate authorities to trust, as PEM. Default: the built-in list. */
  caPem?: string
  /** The URL of a proxy, or `env` for the one that the environment names. Default: no proxy. */
  proxy?: string
  /** Appended to the `User-Agent` header. */
  userAgentSuffix?: string
  /** Whether a wrong clock is corrected from the service's answers. Default `true`. */
  correctClockSkew?: boolean
  /** Milliseconds added to the clock. Default 0. */
  clockOffsetMs?: number
  /** The number of a logger in JavaScript. */
  logger?: number
  /** How far the expiry must move, in milliseconds, before a save without changes is sent. Default 0. */
  touchAfterMs?: number
  /** The longest life of a session, in milliseconds. Default: no limit. */
  absoluteTtlMs?: number
  /** Whether a save overwrites what other requests have changed. Default `false`: it merges. */
  overwrite?: boolean
  /** How sessions are encrypted. Default: they are not. */
  encryption?: Encryption
  /** Whether a session is compressed where that saves capacity. Default `false`. */
  compress?: boolean
  /** `read`, `on` or `only`: how far the table has hashes of ids in place of ids. Default: it has ids. */
  hashIds?: string
  /** How many sessions a user can have. Default: the store does not keep track of users. */
  maxUserSessions?: number
  /** The name of another package's layout, such as `connect-dynamodb`. Default: this package's own. */
  layout?: string
}

/** The settings for a new table. Those that are set are also applied to a table that exists. */
export interface TableOptions {
  /** Read capacity units per second. Default at creation 5. */
  readCapacityUnits?: number
  /** Write capacity units per second. Default at creation 5. */
  writeCapacityUnits?: number
  /** `PROVISIONED` (default) or `PAY_PER_REQUEST`. */
  billingMode?: string
  /** Whether `DynamoDB` deletes expired items. Default at creation `true`. */
  useTtl?: boolean
  /** JSON text of an object merged into the `CreateTable` request. */
  createTable?: string
}

/** The version of the addon. A package loads the addon of its own version only. */
export declare const VERSION: string

/** Answers a question for credentials: with the credentials, or with the reason of the failure. */
export declare function answerCredentials(question: number, answer?: ProvidedCredentials | undefined | null, error?: string | undefined | null): void

/** Answers a question for encryption keys: with the keys, or without them if the provider failed. */
export declare function answerKeys(question: number, answer?: Array<GivenKey> | undefined | null): void

/**
 * A number for a credentials provider or a logger, which no other one of this environment has: neither of this copy
 * of the package's JavaScript nor of another one.
 */
export declare function newNumber(): number

/**
 * Registers the function for the events that are reported even without a listener: `event(line)`. Each is reported to
 * one function of the environment, the one that was registered last. The function must not throw.
 */
export declare function onEvent(event: (line: string) => void): void
