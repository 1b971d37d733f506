import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../deploy/cluster/postgres.ts';
import { query } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that the tests of a project use; none where they use SQLite. */
    postgres: { server: string | undefined };
  }
}

/** One server for all tests of a project: the one that the environment names, or one of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.KEYHEARTH_TEST_POSTGRES_URL;
  const own = given === undefined ? await startPostgres({ fsync: 'off' }) : undefined;
  const server = given ?? own?.url ?? '';
  project.provide('postgres', { server });
  project.provide('afterFirstStart', undefined);
  return async () => {
    if (own) return own.remove();
    const left = await query<{ datname: string }>(
      server,
      "select datname from pg_database where datname like 'keyhearth\\_test\\_%'",
    );
    for (const { datname } of left) await query(server, `drop database ${datname} with (force)`);
  };
}
