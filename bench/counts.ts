import { DEFAULT_ROUNDS } from './command.ts';

/** How often, or how long, what is measured outside the rounds is measured. */
export type Counts = {
  memoryRuns: number;
  revocations: number;
  revocationsCached: number;
  /** With listeners terminated, and again with listeners stopped. */
  revocationsDeaf: number;
  stormSeconds: number;
  replicaKills: number;
  databaseKills: number;
  gatewayPasses: number;
};

/** A run with fewer rounds than usual is as much shorter here. */
export function countsFor(rounds: number): Counts {
  const share = Math.min(1, rounds / DEFAULT_ROUNDS);
  const of = (count: number) => Math.max(1, Math.round(count * share));
  return {
    memoryRuns: of(3),
    revocations: of(1_000),
    revocationsCached: of(300),
    revocationsDeaf: of(10),
    stormSeconds: of(60),
    replicaKills: of(50),
    databaseKills: of(10),
    gatewayPasses: of(10),
  };
}
