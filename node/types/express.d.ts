/// <reference types="node" />

import { EventEmitter } from 'node:events';
import type * as common from './common.js';

/**
 * A store for express-session and @fastify/session that keeps each session as one item of a DynamoDB table.
 *
 * Every method that takes a callback calls it once, and never before it has returned. You can then ignore the promise.
 * `Session` is what the application keeps in a session, its `cookie` included.
 */
declare class ExpressDynamoDBStore<Session extends object = any> extends EventEmitter {
  /**
   * @param options All are optional. A wrong type or an impossible value throws a `TypeError` or `RangeError` that names
   * the option.
   * @param callback Called once, when `table.autoCreate` has created the table or failed to.
   */
  constructor(options?: common.ExpressOptions, callback?: ExpressDynamoDBStore.CreationCallback);

  /** The session; undefined if it does not exist, has expired, or has no cookie. */
  get(sid: string, callback?: ExpressDynamoDBStore.Callback<Session | undefined>): Promise<Session | undefined>;

  /**
   * Stores a session for as long as its cookie lives. A session that was loaded is written only if it still exists. What
   * other requests changed meanwhile is kept, by top-level field: keep values that must agree in one field.
   */
  set(sid: string, session: Session, callback?: ExpressDynamoDBStore.Callback<void>): Promise<void>;

  /** Moves the expiry of a session to the end of its cookie. Does nothing if the session does not exist. */
  touch(sid: string, session: Session, callback?: ExpressDynamoDBStore.Callback<void>): Promise<void>;

  /**
   * Deletes a session: by its id, or one that `all` gave. Succeeds even if it does not exist. A tombstone stays in its
   * place for 25 minutes.
   */
  destroy(sid: string | Session, callback?: ExpressDynamoDBStore.Callback<void>): Promise<void>;

  /**
   * All sessions with this store's prefix, each with its `id`: without one where the table has a hash in place of it
   * (`hashIds`). Reads the whole table.
   */
  all(callback?: ExpressDynamoDBStore.Callback<Array<Session & { id?: string }>>): Promise<Array<Session & { id?: string }>>;

  /** The reference of a session that `all` gave: its name for logs and operators, which opens nothing. */
  refOf(session: Session): string | undefined;

  /** The number of sessions with this store's prefix. Reads the whole table. */
  length(callback?: ExpressDynamoDBStore.Callback<number>): Promise<number>;

  /**
   * Deletes all sessions with this store's prefix, and resolves with their number. Reads the whole table.
   *
   * A tombstone of some 130 bytes stays in the place of each session for 25 minutes, as after `destroy`. With
   * `tombstones: true` these are deleted as well, and none stays: a request that was sent before, and arrives within
   * 25 minutes, may bring its session back.
   */
  clear(callback?: ExpressDynamoDBStore.Callback<number>): Promise<number>;
  clear(options: ExpressDynamoDBStore.ClearOptions, callback?: ExpressDynamoDBStore.Callback<number>): Promise<number>;

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
  deleteExpired(callback?: ExpressDynamoDBStore.Callback<number>): Promise<number>;

  /** For express-session: destroys the request's session and gives it a new one, under a new id. */
  regenerate(req: any, callback?: ExpressDynamoDBStore.Callback<void>): Promise<void>;

  /** For express-session: the session as the `Session` that requests have, without a request. */
  load(sid: string, callback?: ExpressDynamoDBStore.Callback<any>): Promise<any>;

  /** For express-session: makes the request's `Session` from the result of `get`. */
  createSession(req: any, session: any): any;

  /** Calls `listener` whenever something happens that operators want to know, and that is not an error. */
  on<Name extends keyof common.Events>(name: Name, listener: (event: common.Events[Name]) => void): this;
  on(name: string | symbol, listener: (...args: any[]) => void): this;
  /** The same, for the first time only. */
  once<Name extends keyof common.Events>(name: Name, listener: (event: common.Events[Name]) => void): this;
  once(name: string | symbol, listener: (...args: any[]) => void): this;
}

interface ExpressDynamoDBStore<Session extends object = any> extends common.Store<common.ExpressStoreError> {}

declare namespace ExpressDynamoDBStore {
  export { ExpressDynamoDBStore, ExpressDynamoDBStore as DynamoDBStore, ExpressDynamoDBStore as default };

  /** Written as a method, so that it accepts what the types of a framework say about its sessions. */
  export type Callback<Result> = { call(error: any, result?: Result | null): void }['call'];

  /** What `clear` deletes beside sessions. */
  export interface ClearOptions {
    /** Whether tombstones are deleted too, and none is left. Default: false. */
    tombstones?: boolean;
  }

  export type Options = common.ExpressOptions;
  export type TableOptions = common.TableOptions;
  export type DynamoConfig = common.DynamoConfig;
  export type CredentialsProvider = common.CredentialsProvider;
  export type Events = common.Events;
  export type Stats = common.Stats;
  export type StoreError = common.ExpressStoreError;
  export type CreationCallback = common.CreationCallback<StoreError>;
}

export = ExpressDynamoDBStore;
