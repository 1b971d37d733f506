import type { Call } from '../client/send.ts';
import type { Output } from './output.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Input = {
  isTerminal: boolean;
  /** All of standard input. */
  readAll(): Promise<string>;
  /** The same, as it arrives. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The answer of a person to a question; undefined at Ctrl-C. */
  ask(question: string): Promise<string | undefined>;
};

/** Calls the listener when a signal asks the process to end, and then ends it. @returns what forgets the listener */
export type Interrupts = (listener: () => void) => () => void;

/** The options that all commands take. */
export type GlobalOptions = { url?: string; profile?: string; keyFile?: string; json?: boolean };

/** A request to the core API. */
export type Request = Omit<Call, 'isSafe' | 'signal'>;

/** What commands work with. */
export type Context = Readonly<{
  env: Environment;
  input: Input;
  output: Output;
  options: () => GlobalOptions;
  /** @throws CommandError when it fails */
  request: <Data>(request: Request) => Promise<Data>;
}>;
