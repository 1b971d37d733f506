import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { Input } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { run } from './program.ts';

/** Only the user of this process may read the files that it writes. */
process.umask(0o077);

/** A reader such as `head` has seen enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

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

function onInterrupt(listener: () => void): () => void {
  const end = () => {
    listener();
    process.exit(EXIT.interrupted);
  };
  process.once('SIGINT', end);
  return () => void process.off('SIGINT', end);
}

const { env, stdout, stderr } = process;
// The process ends when all that it has written is gone: exit() would cut a pipe short.
process.exitCode = await run(process.argv.slice(2), { env, input, onInterrupt, stdout, stderr });
