import { styleText } from 'node:util';
import type { ReportProgress } from '../lib/report-progress.ts';
import type { Interrupts } from './context.ts';
import { createProgressLine } from './progress.ts';
import type { Paint } from './table.ts';
import { toJson, visibleLines } from './text.ts';

export type Stream = { write(text: string): unknown; isTTY?: boolean | undefined; columns?: number };

export type Output = ReturnType<typeof createOutput>;

type Parts = {
  stdout: Stream;
  stderr: Stream;
  env: Readonly<Record<string, string | undefined>>;
  onInterrupt: Interrupts;
};

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
    /** Prints a secret alone, so that a shell can store it. With `--json`, prints `value`, which contains it. */
    secret(secret: string, value: unknown, explanation: string): void {
      if (isJson()) stdout.write(`${toJson(value)}\n`);
      else {
        note(explanation);
        stdout.write(`${secret}\n`);
      }
    },
    /** Does long work, and shows on a terminal how far it is. @param onCtrlC what to say when somebody interrupts it */
    async withProgress<T>(work: (report: ReportProgress) => Promise<T>, onCtrlC: string): Promise<T> {
      const forget = onInterrupt(() => note(onCtrlC));
      try {
        return await work(hasProgress() ? progress.report : () => undefined);
      } finally {
        forget();
        progress.clear();
      }
    },
    /** Prints a text as it is, such as a script. */
    text: (text: string) => void stdout.write(text),
  };
}
