import type { EngineServices } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import type { Limiter } from './limiter.ts';
import { createMemoryLimiter } from './memory-limiter.ts';
import { createPostgresLimiter } from './postgres-limiter.ts';
import { saveWindows } from './saved-windows.ts';
import { openWindows, type WindowMemory } from './shared-windows.ts';

type LimiterParts = Pick<EngineServices, 'backgroundWriter' | 'directWriter'> & {
  db: Db;
  clock: Clock;
  memory: WindowMemory;
  /** Called when windows could not be stored, or old ones not be deleted. It is tried again later. */
  onError: (error: unknown) => void;
};

/** Counts where all who use the database can: in memory that they share, or in the database. */
export async function openLimiter(parts: LimiterParts): Promise<Limiter> {
  const { db, clock, memory, directWriter, backgroundWriter: writer, onError } = parts;
  if (directWriter) return createPostgresLimiter(directWriter, onError);
  const table = openWindows(memory);
  const { load, close } = saveWindows({ table, db, writer, clock, onError });
  await load();
  return { ...createMemoryLimiter(table, clock), close };
}
