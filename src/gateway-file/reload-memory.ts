import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { FileProblem, GatewayConfig } from './config.ts';

/** What the threads of a process know together about the file. The thread that reloads it tells the others. */
export type LoadedState = Readonly<{
  config: GatewayConfig;
  /** The text behind the configuration. */
  text: string;
  /** Counts the configurations that were in force. */
  version: number;
  /** Why the file on the disk is not in force. */
  problem: FileProblem | undefined;
  /** The file on the disk that this is about. */
  signature: string;
  /** Milliseconds since 1970. */
  loadedAt: number;
  /** Where the process listens. A reload cannot change it. */
  boundHost: string;
  /** What was logged about the file. */
  warnings: readonly string[];
}>;

export type ReloadMemory = Readonly<{ words: BigInt64Array<SharedArrayBuffer>; content: SharedArrayBuffer }>;

const GENERATION = 0;
const LENGTH = 1;
const LEASE = 2;
const WORDS = 3;

/** A file of 1 MiB can have many short entries, which are longer here. */
const MAX_BYTES = 32 * 1024 * 1024;

/** A thread that dies while it reloads holds the others up for so long. */
const LEASE_MS = 30_000;
const RETRY_MS = 20;

/** The memory grows when it is used. */
export const allocateReloads = (): ReloadMemory => ({
  words: new BigInt64Array(new SharedArrayBuffer(WORDS * BigInt64Array.BYTES_PER_ELEMENT)),
  content: new SharedArrayBuffer(0, { maxByteLength: MAX_BYTES }),
});

/** It is odd while a thread writes. */
export const generationOf = ({ words }: ReloadMemory): bigint => Atomics.load(words, GENERATION);

/** Only the thread that has the lease may call it. */
export function publish({ words, content }: ReloadMemory, state: LoadedState): void {
  const bytes = serialize(state);
  if (bytes.length > MAX_BYTES) throw new Error('the configuration of the gateway is too large');
  const next = (Atomics.load(words, GENERATION) | 1n) + 1n;
  Atomics.store(words, GENERATION, next - 1n);
  if (content.byteLength < bytes.length) content.grow(bytes.length);
  new Uint8Array(content).set(bytes);
  Atomics.store(words, LENGTH, BigInt(bytes.length));
  Atomics.store(words, GENERATION, next);
}

export type Published = Readonly<{ generation: bigint; state: LoadedState }>;

/** Undefined when nothing is published, or a thread is just writing. */
export function readPublished({ words, content }: ReloadMemory): Published | undefined {
  const generation = Atomics.load(words, GENERATION);
  if (generation === 0n || generation % 2n === 1n) return undefined;
  const bytes = Buffer.from(new Uint8Array(content, 0, Number(Atomics.load(words, LENGTH))));
  if (Atomics.load(words, GENERATION) !== generation) return undefined;
  return { generation, state: deserialize(bytes) as LoadedState };
}

/** One thread at a time works on the file. @param monotonic milliseconds, the same in all threads */
export async function withLease<T>(
  { words }: ReloadMemory,
  monotonic: () => number,
  work: () => Promise<T>,
): Promise<T> {
  let mine = 0n;
  for (;;) {
    const now = BigInt(Math.ceil(monotonic()));
    const held = Atomics.load(words, LEASE);
    mine = now + BigInt(LEASE_MS);
    if (held <= now && Atomics.compareExchange(words, LEASE, held, mine) === held) break;
    await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    Atomics.compareExchange(words, LEASE, mine, 0n);
  }
}
