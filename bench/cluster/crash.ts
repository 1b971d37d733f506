import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Cluster } from '../../deploy/cluster/cluster.ts';
import { type Caller, caller, createKey } from './traffic.ts';

const WRITERS = 4;
/** Each time another moment, so that every stage of a change is met. */
const BETWEEN_MS = [300, 900] as const;

export type Losses = { kills: number; acknowledged: number; lost: number };

const FEWEST = 3;
const PATIENCE_MS = 120_000;

/** Makes keys through `callers`, until it is told to end. */
function makeKeys(callers: () => Caller[]) {
  /** The ids that somebody was told of. */
  const told: number[] = [];
  let isOver = false;
  async function write(writer: number): Promise<void> {
    while (!isOver) {
      const all = callers();
      const call = all[writer % all.length];
      try {
        if (!call) throw new Error('nobody serves');
        told.push((await createKey(call)).id);
      } catch {
        // Refused or cut off: nobody was told that it was made.
        await sleep(20);
      }
    }
  }
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  return {
    /** Some time, and longer on a machine that is too busy to make a few keys in it. */
    async makeSome(): Promise<void> {
      const before = told.length;
      await sleep(BETWEEN_MS[0] + Math.random() * (BETWEEN_MS[1] - BETWEEN_MS[0]));
      const deadline = performance.now() + PATIENCE_MS;
      while (told.length < before + FEWEST) {
        if (performance.now() > deadline) throw new Error('the replicas make no keys any more');
        await sleep(5);
      }
    },
    async end(): Promise<readonly number[]> {
      isOver = true;
      await writers;
      return told;
    },
  };
}

async function lossesOf(url: string, kills: number, told: readonly number[]): Promise<Losses> {
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query<{ id: number }>('select id::int as id from api_keys');
  await client.end();
  const there = new Set(rows.map(({ id }) => id));
  return { kills, acknowledged: told.length, lost: told.filter((id) => !there.has(id)).length };
}

/** Kills one replica after the other with SIGKILL while keys are made through all of them. */
export async function killReplicas(
  { replicas, startReplica, postgres }: Cluster,
  kills: number,
): Promise<Losses> {
  const serving = replicas.map((replica) => ({ replica, call: caller(replica.origin) }));
  const making = makeKeys(() => serving.map(({ call }) => call));
  for (let i = 0; i < kills; i++) {
    await making.makeSome();
    const place = i % serving.length;
    const victim = serving[place];
    if (!victim) throw new Error('nobody to kill');
    victim.replica.child.kill('SIGKILL');
    await victim.replica.ended;
    const replica = await startReplica();
    serving[place] = { replica, call: caller(replica.origin) };
  }
  const told = await making.end();
  replicas.splice(0, replicas.length, ...serving.map(({ replica }) => replica));
  return lossesOf(postgres.url, kills, told);
}

/** Kills PostgreSQL with SIGKILL, and starts it again, while keys are made through all replicas. */
export async function killDatabase({ replicas, postgres }: Cluster, kills: number): Promise<Losses> {
  const callers = replicas.map(({ origin }) => caller(origin));
  const making = makeKeys(() => callers);
  for (let i = 0; i < kills; i++) {
    await making.makeSome();
    await postgres.kill();
    await postgres.start();
  }
  await making.makeSome();
  return lossesOf(postgres.url, kills, await making.end());
}
