import { setTimeout as sleep } from 'node:timers/promises';
import { type Level, type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { prettyFactory } from 'pino-pretty';

export type Logger = PinoLogger;
export type LogLevel = Level | 'silent';

/** Takes whole lines: standard output, or another thread on the way to it. */
export type LogSink = {
  write(lines: string): void;
  /** Writes the lines that are still in memory, as far as the reader of the log takes them within a second. */
  flush(): Promise<void>;
};

/** In memory at most while nobody reads the log. Further lines are dropped until somebody does. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
const FLUSH_MS = 1_000;

/** Lines are written together, since each write is a system call on another thread. */
const MIN_WRITE_BYTES = 4 * 1024;
const WRITE_EVERY_MS = 100;

/**
 * Standard output. A log that cannot be written (a full disk, a pipe without a reader) costs its lines, never the
 * service. On a terminal each line is written at once, in a form for a person.
 */
export const standardOutput = (isTerminal: boolean): LogSink => (isTerminal ? terminal() : bufferedOutput());

function terminal(): LogSink {
  const output = pino.destination({ dest: 1, sync: true });
  output.on('error', () => undefined);
  const pretty = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss', singleLine: true });
  return {
    write(lines) {
      for (const line of lines.trimEnd().split('\n')) output.write(pretty(line));
    },
    flush: async () => undefined,
  };
}

function bufferedOutput(): LogSink {
  const output = pino.destination({
    dest: 1,
    sync: false,
    minLength: MIN_WRITE_BYTES,
    maxLength: MAX_BUFFERED_BYTES,
    periodicFlush: WRITE_EVERY_MS,
    // Text would be measured again, as a whole, with each line that is added: 1.7 µs a line in place of 0.6.
    contentMode: 'buffer',
  });
  output.on('error', () => undefined);
  // At exit pino would block the process for ever where nobody reads.
  output.flushSync = () => undefined;
  const flushOnce = () => new Promise<void>((resolve) => output.flush(() => resolve()));
  return {
    write: (lines) => void output.write(asContent(lines)),
    // The first flush ends with the write under way. The second one may leave less than the minimum, for the third.
    flush: () => Promise.race([flushOnce().then(flushOnce).then(flushOnce), sleep(FLUSH_MS)]),
  };
}

/** Its type says that pino's destination takes text only. */
const asContent = (lines: string) => Buffer.from(lines) as never;

/** Logs JSON lines. */
export const createLogger = (level: LogLevel, sink: Pick<LogSink, 'write'>): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: withoutExtras },
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );

/** Node adds what it could not parse (URLs, headers) to some errors. It came from the caller, and may be secret. */
function withoutExtras(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message, stack };
}
