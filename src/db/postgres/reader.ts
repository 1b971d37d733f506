import { type CompiledQuery, sql } from 'kysely';
import type { FingerprintSelection, Reader } from '../database.ts';
import type { Connections } from './connections.ts';
import { gathered } from './gathered.ts';

/** Reads rows from the primary, those of many requests in one statement. */
export function openReader(connections: Connections, epoch: Reader['epoch']): Reader {
  return {
    epoch,
    byFingerprint<Row extends { fingerprint: string | null }>(selection: FingerprintSelection<Row>) {
      const { sql: text } = selection.where('fingerprint', '=', sql<string>`any(${[]}::text[])`).compile();
      return gathered(async (fingerprints: string[]) => {
        const rows = await connections.read<Row>(text, [[...new Set(fingerprints)]]);
        const found = new Map(rows.map((row) => [row.fingerprint, row]));
        return fingerprints.map((fingerprint) => found.get(fingerprint));
      });
    },
    exists({ sql: text }: CompiledQuery) {
      const ask = gathered(async (questions: undefined[]) => {
        const rows = await connections.read(text, []);
        return questions.map(() => rows.length > 0);
      });
      return () => ask(undefined);
    },
  };
}
