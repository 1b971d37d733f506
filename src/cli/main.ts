import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { errorCode } from '../lib/error-code.ts';
import type { Input } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { type Stream, unwritable } from './output.ts';
import { run } from './program.ts';

/** Only the user of this process may read the files that it writes. */
process.umask(0o077);

function endIfUnwritten(error?: Error | null): void {
  if (!error) return;
  // A reader such as `head` has seen enough.
  if (errorCode(error) === 'EPIPE') process.exit(EXIT.done);
  process.stderr.write(`keyhearth: ${unwritable(error)}\n`);
  process.exit(EXIT.failed);
}

/** Who writes learns of the error. */
process.stdout.on('error', () => undefined);
const stdout: Stream = {
  isTTY: process.stdout.isTTY,
  write: (text, done = endIfUnwritten) => process.stdout.write(text, done),
};

const input: Input = {
  isTerminal: process.stdin.isTTY === true,
  readAll: () => text(process.stdin),
  chunks: () => process.stdin,
  async ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    const interrupted = once(lines, 'SIGINT').then(() => undefined);
    // Ctrl-D closes it without an answer.
    const closed = once(lines, 'close').then(() => '');
    try {
      return await Promise.race([lines.question(question).catch(() => ''), interrupted, closed]);
    } finally {
      lines.close();
    }
  },
};

/** Ctrl-C, the end of a job, and a terminal that closes. */
const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function onInterrupt(listener: () => void): () => void {
  const end = (signal: (typeof INTERRUPTS)[number]) => {
    listener();
    process.exit(128 + constants.signals[signal]);
  };
  // once() would give a second signal back to the system, which ends the process before the first is handled.
  for (const signal of INTERRUPTS) process.on(signal, end);
  return () => {
    for (const signal of INTERRUPTS) process.off(signal, end);
  };
}

const { env, stderr } = process;
// The process ends when all that it has written is gone: exit() would cut a pipe short.
process.exitCode = await run(process.argv.slice(2), { env, input, onInterrupt, stdout, stderr });
