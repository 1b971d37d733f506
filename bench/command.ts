/** What the commands of the benchmark have in common. */

export const DEFAULT_ROUNDS = 5;
const MOST_ROUNDS = 100;

/** The number of rounds that `BENCH_ROUNDS` asks for. */
export function roundsOf(text = String(DEFAULT_ROUNDS)): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= MOST_ROUNDS) return rounds;
  throw new Error(`BENCH_ROUNDS must be a whole number from 1 to ${MOST_ROUNDS}.`);
}

export function progress(line: string): void {
  const isTerminal = process.stderr.isTTY;
  process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
}

/** Ends the process, and with it every server that it has started. */
export async function runCommand(name: string, run: () => Promise<void>): Promise<never> {
  try {
    await run();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`\n${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
