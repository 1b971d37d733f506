import type { PostgresPool } from 'kysely';
import type { DirectWriter } from '../engine.ts';
import { isUnavailable } from './failure.ts';

export function openDirectWriter(pool: PostgresPool): DirectWriter {
  async function runOnce<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const client = await pool.connect();
    try {
      const { rows } = await client.query<Row>(text, values);
      return rows as Row[];
    } finally {
      client.release();
    }
  }

  return {
    async run<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
      try {
        return await runOnce<Row>(text, values);
      } catch (error) {
        // The connection may have been dead for long.
        if (!isUnavailable(error)) throw error;
        return runOnce<Row>(text, values);
      }
    },
  };
}
