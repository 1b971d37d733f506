import { type DestinationStream, type Level, type Logger, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';

export type { Logger };
export type LogLevel = Level | 'silent';

export type LogOutput = {
  logger: Logger;
  /** Writes out what is still held back. */
  flush(): void;
};

/**
 * JSON lines on standard output, collected and written off the request's path: at the latest every 100 ms, or when
 * 4 KiB have gathered. On a terminal each line is written at once, for a person to read.
 */
export function createLogger(level: LogLevel, isTerminal: boolean): LogOutput {
  const output = pino.destination(
    isTerminal ? { dest: 1, sync: true } : { dest: 1, sync: false, minLength: 4096, periodicFlush: 100 },
  );
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
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return { logger, flush: () => output.flushSync() };
}
