import { checkoutOf } from './before.ts';
import { progress, roundsOf, runCommand } from './command.ts';
import { prepareCoreData } from './data.ts';
import { startCore, stopAll } from './fleet.ts';
import { findGenerator } from './load.ts';
import { makeWorkDirectory } from './processes.ts';
import { renderCore } from './report.ts';
import { type Fleet, measureRounds } from './rounds.ts';
import { coreScenarios } from './scenarios.ts';

/** The first group alone, during work: what has a change made of verification? Writes no file. */

/** Little, so that there is time to start the servers more often: processes differ more than passes do. */
const EFFORT = { passes: 2, warmUpSeconds: 2 };

const directory = makeWorkDirectory('keyhearth-bench-verify-');

async function run(): Promise<void> {
  const rounds = roundsOf(process.env.BENCH_ROUNDS);
  const checkout = checkoutOf(process.env.BENCH_BEFORE, directory);
  const generator = await findGenerator();
  progress('making a database with 1,000,000 keys');
  const { data, keys } = await prepareCoreData(directory, checkout);
  async function start(): Promise<Fleet> {
    const servers = await startCore(directory, data);
    return { groups: [coreScenarios(servers, keys)], stop: () => stopAll(servers) };
  }
  const measured = await measureRounds({ rounds, ...EFFORT, start }, generator, progress);
  if (checkout) process.stdout.write(`\nbefore: ${checkout.name}\n`);
  process.stdout.write(`\n${renderCore(measured)}`);
}

await runCommand('bench:verify', run);
