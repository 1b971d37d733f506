import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DestinationStream,
  type Level,
  type Logger,
  pino,
  stdSerializers,
  stdTimeFunctions,
} from 'pino';
import { prettyFactory } from 'pino-pretty';

export type { Logger };
export type LogLevel = Level | 'silent';

export type LogOutput = {
  logger: Logger;
  /** Writes out what is still held back, as far as the reader of the log takes it within a second. */
  flush(): Promise<void>;
};

/** What is held back at the most when nobody reads the log; further lines are dropped until somebody does. */
const MAX_HELD_BACK = 8 * 1024 * 1024;
const FLUSH_MS = 1_000;

/**
 * JSON lines on standard output, collected and written off the request's path: at the latest every 100 ms, or when
 * 4 KiB have gathered. On a terminal each line is written at once, for a person to read. A log that cannot be written
 * (a full disk, a pipe that nobody reads) costs its lines, never the service.
 */
export function createLogger(level: LogLevel, isTerminal: boolean): LogOutput {
  const output = pino.destination(
    isTerminal
      ? { dest: 1, sync: true }
      : { dest: 1, sync: false, minLength: 4096, periodicFlush: 100, maxLength: MAX_HELD_BACK },
  );
  output.on('error', () => undefined);
  // At exit it would try for ever, blocking the process, to write to what takes nothing.
  output.flushSync = () => undefined;
  let destination: DestinationStream = output;
  if (isTerminal) {
    const pretty = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss', singleLine: true });
    destination = { write: (line) => output.write(pretty(line)) };
  }
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      serializers: { err: withoutExtras },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  // One flush ends with the write that is under way, another with the next piece; what is left is in the third.
  const flushOnce = () => new Promise<void>((resolve) => output.flush(() => resolve()));
  return {
    logger,
    flush: () => Promise.race([flushOnce().then(flushOnce).then(flushOnce), sleep(FLUSH_MS)]),
  };
}

/** Node hangs what it could not parse on some errors: URLs, headers. That is the caller's, and may be secret. */
function withoutExtras(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message, stack };
}
