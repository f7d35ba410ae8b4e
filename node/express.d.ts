/// <reference types="node" />

import { EventEmitter } from 'node:events';
import KoaStore = require('./index.js');

/**
 * A store for express-session and @fastify/session that keeps each session as one item of a DynamoDB table.
 *
 * Every method calls back as well when it is given a callback: once, and never before it has returned. The promise may
 * then be left alone. `Session` is what the application keeps in a session, its `cookie` included.
 */
declare class DynamoDBStore<Session extends object = any> extends EventEmitter {
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

  /** The session, or undefined when there is none, it has expired, or it has no cookie. */
  get(sid: string, callback?: DynamoDBStore.Callback<Session | undefined>): Promise<Session | undefined>;

  /**
   * Stores a session for as long as its cookie lives. One that was loaded is written only if it is still there, and
   * only the top-level fields that changed: keep fields that must agree in one object.
   */
  set(sid: string, session: Session, callback?: DynamoDBStore.Callback<void>): Promise<void>;

  /** Moves the expiry of a session to when its cookie ends. Nothing happens when there is no such session. */
  touch(sid: string, session: Session, callback?: DynamoDBStore.Callback<void>): Promise<void>;

  /** Deletes a session, if there is one. */
  destroy(sid: string, callback?: DynamoDBStore.Callback<void>): Promise<void>;

  /** All sessions of this store's prefix, each with its `id`. Reads the whole table. */
  all(callback?: DynamoDBStore.Callback<Array<Session & { id: string }>>): Promise<Array<Session & { id: string }>>;

  /** How many sessions this store's prefix has. Reads the whole table. */
  length(callback?: DynamoDBStore.Callback<number>): Promise<number>;

  /** Deletes all sessions of this store's prefix, and says how many there were. Reads the whole table. */
  clear(callback?: DynamoDBStore.Callback<number>): Promise<number>;

  /** For express-session: destroys the request's session and gives it a new one, under a new id. */
  regenerate(req: any, callback?: DynamoDBStore.Callback<void>): Promise<void>;

  /** For express-session: the session as the `Session` that requests have, without a request. */
  load(sid: string, callback?: DynamoDBStore.Callback<any>): Promise<any>;

  /** For express-session: makes the request's `Session` of what `get` gave. */
  createSession(req: any, session: any): any;

  /** Creates the table if it is missing and waits until it can be used. */
  createTableIfDontExists(): Promise<void>;
  /** The same; errors go to the callback alone. */
  createTableIfDontExists(callback: (error?: DynamoDBStore.StoreError) => void): Promise<void>;

  /**
   * Tells operators what is no error: a write that was dropped because its session had gone (`conflict`), an item that
   * is no session (`unreadable`), a request that is repeated (`retry`), an answer that asks for fewer (`throttled`).
   * Stores of one configuration share their events.
   */
  on<Name extends keyof DynamoDBStore.Events>(name: Name, listener: (event: DynamoDBStore.Events[Name]) => void): this;
  on(name: string | symbol, listener: (...args: any[]) => void): this;
  once<Name extends keyof DynamoDBStore.Events>(name: Name, listener: (event: DynamoDBStore.Events[Name]) => void): this;
  once(name: string | symbol, listener: (...args: any[]) => void): this;

  /** What this store, and all others of its configuration, have done since the first of them was made. */
  stats(): DynamoDBStore.Stats;

  /** Waits for the calls under way. An idle store keeps no process alive. */
  close(): Promise<void>;
}

declare namespace DynamoDBStore {
  export { DynamoDBStore, DynamoDBStore as default };

  /** Written as a method, so that what a framework's own types say of its sessions is accepted. */
  export type Callback<Result> = { call(error: any, result?: Result | null): void }['call'];

  export interface Options extends KoaStore.Options {
    /**
     * The layout of another package's items. `'connect-dynamodb'`: read and written as that package does, with the
     * partition key `id`. `'dynamodb-store'`: its items are read too, and rewritten when they are saved. Both begin ids
     * with the prefix `sess:`. Default: that of this package.
     */
    layout?: 'connect-dynamodb' | 'dynamodb-store';
  }

  export type TableOptions = KoaStore.TableOptions;
  export type DynamoConfig = KoaStore.DynamoConfig;
  export type CredentialsProvider = KoaStore.CredentialsProvider;
  export type Events = KoaStore.Events;
  export type Stats = KoaStore.Stats;

  /** What every failed call rejects with. */
  export interface StoreError extends Omit<KoaStore.StoreError, 'statusCode'> {
    /** What @fastify/session answers the visitor with. */
    statusCode?: 500;
    /** The HTTP status of the service's last answer. */
    serviceStatusCode?: number;
  }
}

export = DynamoDBStore;
