import { styleText } from 'node:util';
import { errorCode } from '../lib/error-code.ts';
import type { ReportProgress } from '../lib/report-progress.ts';
import type { Interrupts } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { createProgressLine } from './progress.ts';
import type { Paint } from './table.ts';
import { toJson, visibleLines } from './text.ts';

/** @param done called when the text is written, or cannot be. Without it, an error ends the process. */
type Write = (text: string, done?: (error?: Error | null) => void) => unknown;
export type Stream = { write: Write; isTTY?: boolean | undefined; columns?: number };

export type Output = ReturnType<typeof createOutput>;

type Parts = {
  stdout: Stream;
  stderr: Stream;
  env: Readonly<Record<string, string | undefined>>;
  onInterrupt: Interrupts;
};

export const unwritable = (error: Error): string =>
  `Standard output cannot be written (${errorCode(error) ?? error.message}).`;

/** Results go to standard output, and all else to standard error. @param isJson whether `--json` is set */
export function createOutput({ stdout, stderr, env, onInterrupt }: Parts, isJson: () => boolean) {
  const hasColor = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint: Paint = (style, text) => (hasColor ? styleText(style, text, { validateStream: false }) : text);
  const progress = createProgressLine(stderr);
  const hasProgress = () => stderr.isTTY === true && env.TERM !== 'dumb' && !isJson();
  /** For people, on standard error. */
  const note = (text: string) => {
    progress.clear();
    stderr.write(`${visibleLines(text)}\n`);
  };

  return {
    note,
    /** Prints a result: `value` as JSON, or as text for people. */
    print(value: unknown, forPeople: (paint: Paint) => string): void {
      stdout.write(`${isJson() ? toJson(value) : forPeople(paint)}\n`);
    },
    /** Says that a change is done. With `--json`, prints `value` in place of the sentence. */
    done(sentence: string, value: unknown): void {
      if (isJson()) stdout.write(`${toJson(value)}\n`);
      else note(sentence);
    },
    /**
     * Prints a secret alone, so that a shell can store it. With `--json`, prints `value`, which contains it.
     * @param lost what is so, and what to do, when nobody gets the secret
     * @throws CommandError when it cannot be written
     */
    async secret(secret: string, value: unknown, explanation: string, lost: string): Promise<void> {
      await new Promise<void>((resolve, reject) => {
        stdout.write(`${isJson() ? toJson(value) : secret}\n`, (error) =>
          error ? reject(new CommandError(`${unwritable(error)} ${lost}`)) : resolve(),
        );
      });
      if (!isJson()) note(explanation);
    },
    /**
     * Does long work, and shows on a terminal how far it is.
     * @param work gets a signal that aborts when somebody interrupts it, just before the process ends
     * @param onInterruption what to say then
     */
    async withProgress<T>(
      work: (report: ReportProgress, interrupted: AbortSignal) => Promise<T>,
      onInterruption: string,
    ): Promise<T> {
      const interruption = new AbortController();
      const forget = onInterrupt(() => {
        interruption.abort();
        note(onInterruption);
      });
      try {
        return await work(hasProgress() ? progress.report : () => undefined, interruption.signal);
      } finally {
        forget();
        progress.clear();
      }
    },
    /** Prints a text as it is, such as a script. */
    text: (text: string) => void stdout.write(text),
  };
}
