import type { CompiledQuery, PostgresPool } from 'kysely';
import type { SlowReader } from '../engine.ts';
import { allConnectionsInUse } from './failure.ts';

/** They wait for a few seconds at most. */
const MAX_WAITING = 16;

/**
 * Runs one slow read at a time, so that the other connections of the pool stay free for changes. The limit of each is the
 * `statement_timeout` of the session.
 */
export function openSlowReader(pool: PostgresPool): SlowReader {
  let waiting = 0;
  let latest: Promise<unknown> = Promise.resolve();

  async function read<Row>({ sql, parameters }: CompiledQuery<Row>): Promise<Row[]> {
    const client = await pool.connect();
    try {
      return (await client.query<Row>(sql, parameters)).rows;
    } finally {
      client.release();
    }
  }

  return {
    async all(query) {
      if (waiting > MAX_WAITING) throw allConnectionsInUse();
      waiting++;
      const reading = latest.then(() => read(query));
      latest = reading.catch(() => undefined);
      try {
        return await reading;
      } finally {
        waiting--;
      }
    },
  };
}
