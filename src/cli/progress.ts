import type { ReportProgress } from '../lib/report-progress.ts';
import { visible, widthOf } from './text.ts';

export type Terminal = { write(text: string): unknown; columns?: number | undefined };

const BAR = 20;
const USUAL_COLUMNS = 80;

/** One line of a terminal that changes while long work goes on. It has no colour and moves the cursor by CR alone. */
export function createProgressLine(terminal: Terminal) {
  let shown = '';

  function draw(text: string): void {
    if (text === shown) return;
    terminal.write(`\r${text}${' '.repeat(Math.max(0, widthOf(shown) - widthOf(text)))}`);
    shown = text;
  }

  return {
    report(step: string, done?: number, total?: number): void {
      // A longer text would take a second line, which CR does not reach.
      draw(lineOf(step, done, total).slice(0, (terminal.columns ?? USUAL_COLUMNS) - 1));
    },
    /** Leaves an empty line, with the cursor at its start. */
    clear(): void {
      if (shown === '') return;
      draw('');
      terminal.write('\r');
    },
  } satisfies { report: ReportProgress; clear(): void };
}

function lineOf(step: string, done?: number, total?: number): string {
  if (done === undefined || total === undefined) return `${visible(step)} ...`;
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const bar = '#'.repeat(Math.floor(part * BAR)).padEnd(BAR, '-');
  return `${visible(step)} [${bar}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}
