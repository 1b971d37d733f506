import { setTimeout as sleep } from 'node:timers/promises';
import { type Level, type Logger as PinoLogger, pino, stdSerializers, symbols } from 'pino';
import { prettyFactory } from 'pino-pretty';

export type { Level };
export type Logger = PinoLogger & {
  readonly [symbols.timeSym]?: () => string;
  readonly [symbols.streamSym]?: { write(line: string): void };
};
export type LogLevel = Level | 'silent';

export type LogOutput = {
  logger: Logger;
  /** Writes out what is still held back, as far as the reader of the log takes it within a second. */
  flush(): Promise<void>;
};

/** Where lines end up: standard output, or another thread on the way to it. */
export type LogSink = {
  /** Takes one or more whole lines. */
  write(lines: string): void;
  flush(): Promise<void>;
};

/** What is held back at the most when nobody reads the log; further lines are dropped until somebody does. */
const MAX_HELD_BACK = 8 * 1024 * 1024;
const FLUSH_MS = 1_000;

/** Each hand-over costs a system call on another thread, and two wake-ups: at 16 KiB more than the lines themselves. */
const BATCH_BYTES = 64 * 1024;
const BATCH_MS = 100;

/**
 * Standard output. On a terminal each line is written at once, for a person to read. A log that cannot be written (a
 * full disk, a pipe that nobody reads) costs its lines, never the service.
 */
export function standardOutput(isTerminal: boolean): LogSink {
  const output = pino.destination({ dest: 1, sync: isTerminal, maxLength: MAX_HELD_BACK });
  output.on('error', () => undefined);
  // At exit it would try for ever, blocking the process, to write to what takes nothing.
  output.flushSync = () => undefined;
  const pretty = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss', singleLine: true });
  const write = isTerminal
    ? (lines: string) => {
        for (const line of lines.trimEnd().split('\n')) output.write(pretty(line));
      }
    : (lines: string) => void output.write(lines);
  // One flush ends with the write that is under way, another with the next piece; what is left is in the third.
  const flushOnce = () => new Promise<void>((resolve) => output.flush(() => resolve()));
  return {
    write,
    flush: () => Promise.race([flushOnce().then(flushOnce).then(flushOnce), sleep(FLUSH_MS)]),
  };
}

/**
 * Logs JSON lines, which are collected and handed on off the request's path: at the latest every 100 ms, or when
 * 64 KiB have gathered.
 */
export function createLogger(level: LogLevel, sink: LogSink): LogOutput {
  // Joined as bytes while they are warm: a long string of many short ones costs more to write out than to make.
  const held = Buffer.allocUnsafeSlow(2 * BATCH_BYTES);
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  function handOn(): void {
    clearTimeout(timer);
    timer = undefined;
    if (length === 0) return;
    sink.write(held.toString('utf8', 0, length));
    length = 0;
  }
  const logger = pino(
    {
      level,
      base: null,
      timestamp: createTimestamp(),
      serializers: { err: withoutExtras },
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line) {
        const bytesAtMost = 3 * line.length;
        if (bytesAtMost > held.length - length) handOn();
        if (bytesAtMost > held.length) sink.write(line);
        else length += held.write(line, length);
        if (length >= BATCH_BYTES) handOn();
        else timer ??= setTimeout(handOn, BATCH_MS).unref();
      },
    },
  );
  return {
    logger,
    async flush() {
      handOn();
      await sink.flush();
    },
  };
}

/**
 * Writes a line whose fields are JSON already. For the one line that is written with every request: pino takes three
 * times as long to make the same of an object.
 */
export function logLine(logger: Logger, level: Level, fields: string): void {
  logger[symbols.streamSym]?.write(`{"level":"${level}"${logger[symbols.timeSym]?.()},${fields}}\n`);
}

/** ISO 8601. Lines of the same millisecond have it in common, and it is worked out once. */
function createTimestamp(): () => string {
  let at = Number.NaN;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}

/** Node hangs what it could not parse on some errors: URLs, headers. That is the caller's, and may be secret. */
function withoutExtras(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message, stack };
}
