import type { Document } from 'yaml';
import type { FileProblem, GatewayConfig } from './config.ts';

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
  /** The text of the file, with its comments. */
  text(): Promise<string>;
  /**
   * Changes the file, keeps its comments and order, and puts the result in force before it resolves.
   * @throws DomainError `gateway_config_invalid`, `gateway_config_changed` when somebody else changed the file meanwhile
   */
  edit(change: (document: Document) => void): Promise<void>;
  /** The same for a whole new text. */
  replace(text: string): Promise<void>;
  close(): Promise<void>;
}>;
