import type { CompiledQuery, PostgresPool } from 'kysely';
import type { BackgroundWriter } from '../engine.ts';

/** "KHus" */
const USAGE_LOCK = 0x4b487573;

/**
 * Writes while changes of keys go on, and does not delay them. One replica writes at a time, because two that write the
 * same rows in different orders would wait for each other.
 */
export function openBackgroundWriter(pool: PostgresPool): BackgroundWriter {
  return {
    async run(...queries: CompiledQuery[]) {
      const client = await pool.connect();
      try {
        await client.query('begin', []);
        await client.query(`select pg_advisory_xact_lock(${USAGE_LOCK})`, []);
        for (const { sql, parameters } of queries) await client.query(sql, parameters);
        await client.query('commit', []);
      } catch (error) {
        await client.query('rollback', []).catch(() => undefined);
        throw error;
      } finally {
        client.release();
      }
    },
  };
}
