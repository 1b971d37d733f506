import type { CallError } from '../client/result.ts';

/** What the exit code of a command means. docs/cli.md lists them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  conflict: 5,
  unavailable: 6,
  /** A command that checks something has findings. */
  findings: 7,
  /** What a shell says of a process that SIGINT has ended. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a command ends without success, in sentences that say what to do. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(sentence: string, exitCode: ExitCode = EXIT.failed) {
    super(sentence);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

export const usageError = (sentence: string) => new CommandError(sentence, EXIT.usage);

const BY_STATUS: Readonly<Record<number, ExitCode>> = {
  400: EXIT.usage,
  401: EXIT.refused,
  403: EXIT.refused,
  404: EXIT.notFound,
  409: EXIT.conflict,
  422: EXIT.usage,
  429: EXIT.refused,
  502: EXIT.unavailable,
  503: EXIT.unavailable,
  504: EXIT.unavailable,
};

/** The exit code for a call that failed. */
export function exitCodeOf(error: CallError): ExitCode {
  if (error.kind === 'timeout' || error.kind === 'unreachable') return EXIT.unavailable;
  return 'status' in error ? (BY_STATUS[error.status] ?? EXIT.failed) : EXIT.failed;
}
