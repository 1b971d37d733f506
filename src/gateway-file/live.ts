import type { Document } from 'yaml';
import type { DeclaredKey, FileProblem, GatewayConfig } from './config.ts';

/** The configuration that is in force, which follows the file. */
export type LiveConfig = Readonly<{
  /** The last good one. */
  current(): GatewayConfig;
  /** Why the file on the disk is not in force; undefined when it is. */
  problem(): FileProblem | undefined;
  /** When the configuration that is in force was read, in milliseconds since 1970. */
  loadedAt(): number;
  /** Calls the listener after each reload that changed something, here or in another thread. */
  onChange(listener: (now: GatewayConfig, before: GatewayConfig) => void): void;
  /** Before a request: catches up with a reload that another thread has finished. Undefined, at once, when there is none. */
  catchUp(): Promise<void> | undefined;
  /**
   * The text of the file, with its comments.
   * @throws DomainError `gateway_config_invalid` when it cannot be read
   */
  text(): Promise<string>;
  /**
   * Changes the file, keeps its comments and order, and puts the result in force before it resolves.
   * @throws DomainError `gateway_config_invalid`, `gateway_config_changed` when somebody else changed the file meanwhile,
   * `gateway_config_unwritable`
   */
  edit(change: (document: Document) => void, options?: EditOptions): Promise<void>;
  /** The same for a whole new text. */
  replace(text: string, options?: EditOptions): Promise<void>;
  close(): Promise<void>;
}>;

export type EditOptions = Readonly<{
  /** Refuses a change by throwing, before anything is written. `before` is in force, `after` is what the text says. */
  check?: (after: GatewayConfig, before: GatewayConfig) => void;
}>;

/** What came of bringing the key store in line. Keys are named by their hints. */
export type Synced =
  /** The file says something else by now, and nothing was changed. */
  | Readonly<{ state: 'stale' }>
  | Readonly<{ state: 'unchanged' }>
  | Readonly<{
      state: 'changed';
      added: readonly string[];
      removed: readonly string[];
      /** They are in the store in another way. Their own settings decide about them. */
      foreign: readonly string[];
      /** Their settings are lost together with the pepper. */
      forgotten: readonly string[];
    }>;

/**
 * Brings the key store in line with the file, in one transaction. The configuration is in force only afterwards.
 * @param isCurrent to be asked in the transaction: whether the file still says so
 */
export type SyncKeys = (keys: readonly DeclaredKey[], isCurrent: () => boolean) => Promise<Synced>;
