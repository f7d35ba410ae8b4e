// Generated from src/ by scripts/build.js. Do not edit.

/** A field that is written together with the expiry. */
export interface ExpiryFieldDescription {
  /** The field's name. */
  name: string
  /**
   * The part of it that says when the session ends: `true` for the field itself, or the names of fields inside it.
   * Default: no part, because the field is a setting.
   */
  instants?: boolean | Array<string>
}

/** Why a call failed; what its promise is rejected with. */
export interface Failure {
  /** What the caller can do about it: the name of a kind, such as `TableNotFound`. */
  kind: string
  /** The service's name for the error. */
  code?: string
  /** The bare reason. It holds no id, no session data and no secret. */
  message: string
  /** The core's name for the setting at fault, or an environment variable's. */
  setting?: string
  /** The name of what to do next, such as `CreateTable`. */
  remedy?: string
  /** The `DynamoDB` operation, such as `GetItem`. */
  operation?: string
  /** The table the operation was for. */
  table?: string
  /** The endpoint that was asked. */
  endpoint?: string
  /** The service's id of the last request. */
  requestId?: string
  /** The HTTP status of the last answer. */
  status?: number
  /** How many requests were sent. */
  attempts: number
  /** Whether the same call may succeed later without a change. */
  retryable: boolean
  /** What lies behind the failure, from the outermost inwards. */
  causes: Array<string>
}

/** What a framework keeps in a session beside the application's data. By default every field is the application's. */
export interface FrameworkDescription {
  /** The fields that are always written together with the expiry. */
  expiry?: Array<ExpiryFieldDescription>
  /** Names that the framework does not copy from a stored session into the session it saves. */
  notCarried?: Array<string>
  /** Beginnings of such names. */
  notCarriedPrefixes?: Array<string>
}

/** Credentials as JavaScript gives them. */
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
  /** Makes a store for a framework, or shares the one of equal options. No request is made. */
  constructor(options: StoreOptions, framework?: FrameworkDescription | undefined | null)
  /** The session's frame: its head, a new line and its text. */
  get(id: string): Promise<string | undefined>
  /**
   * Stores a session's text for so many milliseconds from now. `head` and `base` are those of the frame that was
   * loaded. The head is empty when there was no session, and undefined when nobody looked.
   *
   * Resolves with the head of what is stored now; with an empty text when the session is gone and stays so.
   */
  set(id: string, text: string, ttlMs: number, head: string | undefined | null, base: string): Promise<string>
  /**
   * Moves the expiry of the session whose frame was `head` and `base`, and writes the fields of its text that
   * belong to the expiry. Resolves as `set` does.
   */
  touch(id: string, text: string, ttlMs: number, head: string, base: string): Promise<string>
  /** Deletes a session, if there is one. */
  destroy(id: string): Promise<void>
  /**
   * A part of the live sessions, as JSON: `{"sessions": [[id, found], …], "next": token}`. `found` is as `get`
   * returns it; `token` is what to ask for the next part with, null after the last one.
   */
  list(token?: string | undefined | null): Promise<string>
  /** How many live sessions there are. */
  count(): Promise<string>
  /** Deletes all sessions, and resolves with how many. */
  clear(): Promise<string>
  /** What the store, and all others of equal options, have done, as JSON. */
  stats(): string
  /** From now on events go to the function of `onEvent`, as lines of JSON for this listener. */
  listen(listener: number): void
  /** What the service says about the table, as JSON; undefined when there is none. */
  describeTable(): Promise<string | undefined>
  /** Creates the table if it is missing and applies what is set to one that exists. */
  createTableIfMissing(options: TableOptions): Promise<string>
  /** Creates the table. */
  createTable(options: TableOptions): Promise<string>
  /** Applies what is set to the table. */
  updateTable(options: TableOptions): Promise<string>
  /** Turns the deletion of expired items on or off. */
  setTtl(enabled: boolean): Promise<void>
  /** The attribute that holds the expiry; creating the table can change it. */
  get ttlAttribute(): string
  /** Whether requests go over plain HTTP to another host. */
  get isInsecure(): boolean
  /** The time by the service's clock, as far as it is known, in epoch milliseconds. */
  now(): number
}

/** The configuration of a store. Stores of equal options share connections and credentials. */
export interface StoreOptions {
  /** The table's name. Default `sessions`. */
  tableName?: string
  /** The attribute that is the partition key. Default `sessionId`. */
  partitionKey?: string
  /** The attribute that holds the expiry. Default `expires`. */
  ttlAttribute?: string
  /** Prepended to every session id. Default nothing. */
  prefix?: string
  /** Whether reads are strongly consistent. Default `true`. */
  consistentRead?: boolean
  /** The Region. Default: environment, then profile. */
  region?: string
  /** The URL requests go to. Default: the Region's own. */
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
  /** The number under which the host knows a credentials provider. */
  credentialsProvider?: number
  /** Milliseconds connecting may take. Default 1000. */
  connectTimeoutMs?: number
  /** Milliseconds the first byte of an answer may take. Default 1000. */
  firstByteTimeoutMs?: number
  /** Milliseconds an operation may take in all. Default 5000. */
  operationTimeoutMs?: number
  /** How often an operation is tried in all. Default 4. */
  maxAttempts?: number
  /** Milliseconds of the first backoff at most. Default 25. */
  retryBaseMs?: number
  /** Retries of all operations together while nothing succeeds. Default 100. */
  retryBudget?: number
  /** Connections open at once. Default 128. */
  maxConnections?: number
  /** Operations under way beyond those. Default 4096. */
  maxQueue?: number
  /** The only certificate authorities to trust, as PEM. Default: built in. */
  caPem?: string
  /** The URL of a proxy. Default none. */
  proxy?: string
  /** Appended to the `User-Agent` header. */
  userAgentSuffix?: string
  /** Whether a wrong clock is corrected by the service's. Default `true`. */
  correctClockSkew?: boolean
  /** Milliseconds added to the clock. Default 0. */
  clockOffsetMs?: number
  /** The number under which the host knows a logger. */
  logger?: number
  /** Milliseconds a write must move the expiry by to be sent for that alone. Default 0. */
  touchAfterMs?: number
  /** Milliseconds a session lives at most. Default: no limit. */
  absoluteTtlMs?: number
  /** Whether a save writes the whole session. Default `false`: the fields that changed. */
  overwrite?: boolean
  /** `connect-dynamodb` or `dynamodb-store`. Default: this package's own. */
  layout?: string
}

/** What a table is created with. What is set is applied to a table that exists as well. */
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

/** Answers a question for credentials: with them, or with why there are none. */
export declare function answerCredentials(question: number, answer?: ProvidedCredentials | undefined | null, error?: string | undefined | null): void

/**
 * Registers the function for events: `event(listener, line)`. The listener 0 is this environment itself, for what
 * has to be reported although nobody listens. It may not throw.
 */
export declare function onEvent(event: (listener: number, line: string) => void): void

/**
 * Registers what the store asks of JavaScript: `ask(provider, question)`, to be answered by
 * `answerCredentials`, and `log(logger, line)`. Neither may throw.
 */
export declare function setHost(ask: (provider: number, question: number) => void, log: (logger: number, line: string) => void): void
