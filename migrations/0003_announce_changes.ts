import type { Kysely } from 'kysely';
import { announceChangesOfKeys } from '../src/db/differences.ts';

export const up = (db: Kysely<unknown>): Promise<void> => announceChangesOfKeys(db);
