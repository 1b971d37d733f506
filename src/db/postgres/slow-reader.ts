import type { CompiledQuery, PostgresPool } from 'kysely';
import { createTurns } from '../../lib/turns.ts';
import type { SlowReader } from '../engine.ts';
import { allConnectionsInUse } from './failure.ts';

/** They wait for a few seconds at most. */
const MAX_WAITING = 16;

/**
 * A plan for all parameters would convert the pattern of a `like` again for each row. To compile a query of a tenth of a
 * second to machine code takes longer than it saves.
 */
const SETTINGS =
  "select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)";

/**
 * Runs one slow read at a time, so that the other connections of the pool stay free for changes. The limit of each is the
 * `statement_timeout` of the session.
 */
export function openSlowReader(pool: PostgresPool): SlowReader {
  const takeTurn = createTurns(MAX_WAITING, allConnectionsInUse);

  async function read<Row>({ sql, parameters }: CompiledQuery<Row>): Promise<Row[]> {
    const client = await pool.connect();
    try {
      await client.query('begin read only', []);
      try {
        await client.query(SETTINGS, []);
        return (await client.query<Row>(sql, parameters)).rows;
      } finally {
        await client.query('commit', []);
      }
    } finally {
      client.release();
    }
  }

  return { all: (query, client) => takeTurn(client, () => read(query)) };
}
