import type * as common from './common.js';

/**
 * A store for koa-session that keeps each session as one item of a DynamoDB table.
 *
 * `Session` is what the application keeps in a session.
 */
declare class KoaDynamoDBStore<Session extends object = Record<string, any>> {
  /**
   * @param options All are optional. A wrong type or an impossible value throws a `TypeError` or `RangeError` that names
   * the option.
   * @param callback Called once, when `table.autoCreate` has created the table or failed to.
   */
  constructor(options?: common.Options, callback?: common.CreationCallback);

  /** The session; undefined if it does not exist, has expired, or if the id is not a valid one. */
  get(id: string, maxAge?: common.MaxAge, options?: object): Promise<Session | undefined>;

  /**
   * Stores a session for `maxAge` milliseconds. Each top-level field is written as a whole: keep values that must agree
   * in one field. Resolves with an empty object, as version 1 did.
   */
  set(id: string, session: Session, maxAge?: common.MaxAge, options?: object): Promise<common.Empty>;

  /** Deletes a session. Succeeds even if it does not exist. Resolves with an empty object, as version 1 did. */
  destroy(id: string, options?: object): Promise<common.Empty>;

  /**
   * The live sessions of a user, the latest sign-in first. `current` is the id of the session that asks: its entry has
   * `current: true`. Needs the option `users`.
   */
  sessionsOf(user: common.UserId, options?: { readonly current?: string }): Promise<common.UserSession[]>;

  /**
   * Ends one session of a user, by the `ref` that `sessionsOf` gave. Resolves with whether there was such a session.
   */
  revoke(user: common.UserId, ref: string): Promise<boolean>;

  /**
   * Ends all sessions of a user, except the one with the id `except`. When it has resolved, none of them is accepted any
   * more, also where requests were under way. Resolves with how many there were.
   */
  revokeUser(user: common.UserId, options?: { readonly except?: string }): Promise<{ revoked: number }>;

  /**
   * Deletes the sessions with this store's prefix that expired at least 25 minutes ago, and expired tombstones. Resolves
   * with their number. For tables whose TTL is off. Reads the whole table.
   */
  deleteExpired(): Promise<number>;

  /** What the service says about the table; null if it does not exist. */
  isTableCreated(): Promise<common.TableState | null>;

  /** Creates the table. */
  createTable(): Promise<{ TableDescription: common.TableDescription }>;

  /** Applies those options of the table that the caller gave. */
  updateTable(): Promise<{ TableDescription: common.TableDescription }>;

  /** Turns the deletion of expired items on or off, as `useTtlExpired` says. */
  setTtlField(): Promise<{ TimeToLiveSpecification: { AttributeName: string; Enabled: boolean } }>;

  /** When a session ends that is stored now with this `maxAge`: a whole second. */
  getExpirationDate(maxAge?: common.MaxAge): Date;

  /** Calls `listener` whenever something happens that operators want to know, and that is not an error. */
  on<Name extends keyof common.Events>(name: Name, listener: (event: common.Events[Name]) => void): this;
  /** The same, for the first time only. */
  once<Name extends keyof common.Events>(name: Name, listener: (event: common.Events[Name]) => void): this;
  /** Removes a listener. */
  off<Name extends keyof common.Events>(name: Name, listener: (event: common.Events[Name]) => void): this;

  /** Replaces the options. */
  setOptions(options: common.Options): void;
}

interface KoaDynamoDBStore<Session extends object = Record<string, any>> extends common.Store {}

declare namespace KoaDynamoDBStore {
  export { KoaDynamoDBStore, KoaDynamoDBStore as DynamoDBStore, KoaDynamoDBStore as default };

  export type MaxAge = common.MaxAge;
  export type Empty = common.Empty;
  export type Options = common.Options;
  export type TableOptions = common.TableOptions;
  export type DynamoConfig = common.DynamoConfig;
  export type Credentials = common.Credentials;
  export type CredentialsProvider = common.CredentialsProvider;
  export type CredentialsV2 = common.CredentialsV2;
  export type CredentialsChainV2 = common.CredentialsChainV2;
  export type Events = common.Events;
  export type Stats = common.Stats;
  export type OperationStats = common.OperationStats;
  export type TableDescription = common.TableDescription;
  export type TableState = common.TableState;
  export type StoreError = common.StoreError;
  export type CreationCallback = common.CreationCallback;
}

export = KoaDynamoDBStore;
