import type { CompiledQuery, PostgresPool } from 'kysely';
import type { Background } from '../database.ts';

/** "KHus" */
const USES_LOCK = 0x4b487573;

/**
 * Writes beside the changes of keys, without holding them up. One replica at a time: two that write the same rows in
 * different orders would wait for each other.
 */
export function openBackground(pool: PostgresPool): Background {
  return {
    async run({ sql, parameters }: CompiledQuery) {
      const client = await pool.connect();
      try {
        await client.query('begin', []);
        await client.query(`select pg_advisory_xact_lock(${USES_LOCK})`, []);
        await client.query(sql, parameters);
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
