import type { ServerState } from '../db/postgres/server-state.ts';
import type { ClientEvents } from './contents.ts';

/** A file or a directory. */
export type FileState = Readonly<{ path: string; isPrivate: boolean; isOwn: boolean }>;

/** What the doctor sees of a system. */
export type Observation = Readonly<{
  now: number;
  node: Readonly<{ version: string; major: number; needed: number }>;
  directory: string;
  files: readonly FileState[];
  /** Of SQLite: what this user cannot write, and why. Files of other users are not among them. */
  unwritable: readonly Readonly<{ path: string; reason: string }>[];
  freeBytes: number | undefined;
  walBytes: number;
  /** What is wrong with the pepper or the marker file, as sentences that say what to do. */
  secretProblems: readonly string[];
  /** The path or the URL of the database, without a password. */
  databaseName: string;
  database: DatabaseState;
  /** Undefined for SQLite, and for a server that cannot be used. */
  server: ServerState | undefined;
  /** Connections of this process when it serves, with PostgreSQL. */
  connections: number;
  /** Where the service listens; undefined for a socket. */
  host: string | undefined;
  hasBootstrapToken: boolean;
  pepperChange: PepperChange;
  trustedProxies: readonly string[];
  /** Undefined without TLS. `problem`: why it cannot be used. */
  certificate: Readonly<{ path: string; expiresAt: number; problem: string | undefined }> | undefined;
}>;

export type DatabaseState =
  | Readonly<{ state: 'missing' }>
  /** It belongs to another user or cannot be written, so it was not opened. */
  | Readonly<{ state: 'unopened' }>
  | Readonly<{ state: 'damaged' | 'unreachable'; reason: string }>
  | Readonly<{ state: 'log_lost'; log: string }>
  | Readonly<{ state: 'foreign' }>
  | Readonly<{ state: 'readable'; keys: KeyState; clients: readonly ClientEvents[] }>;

export type KeyState = Readonly<{
  isClaimed: boolean;
  isBehind: boolean;
  newestAt: number;
  neverExpire: number;
  withoutFingerprint: number;
  withoutHash: number;
  /** Keys that need the previous pepper; undefined when it never changed. */
  unmoved: number | undefined;
  firstKeyWeakness: string | undefined;
}>;

/** `none`: no previous pepper is set. `begun`: one is set, and the database has the present one. */
export type PepperChange = 'none' | 'begun' | 'unknown';
