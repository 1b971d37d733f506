import { Kysely } from 'kysely';
import { type Client, DatabaseError } from 'pg';
import { DomainError } from '../../lib/failure.ts';
import type { Logger } from '../../lib/logger.ts';
import { StartupError } from '../../lib/startup-error.ts';
import { isBusy } from '../busy.ts';
import type { Engine } from '../engine.ts';
import { type DatabaseLocation, displayName } from '../location.ts';
import type { DatabaseMemory } from '../memory.ts';
import { createOutages } from '../outages.ts';
import type { Tables } from '../tables.ts';
import { openBackgroundWriter } from './background-writer.ts';
import { type Connections, openConnections } from './connections.ts';
import { openPostgresSide } from './copy-side.ts';
import { postgresDialect } from './dialect.ts';
import { openDirectWriter } from './direct-writer.ts';
import { reasonOf } from './failure.ts';
import { type Listener, listen } from './listener.ts';
import { openReader } from './reader.ts';
import { connectAlone, isAlone } from './session.ts';
import { openSlowReader } from './slow-reader.ts';

/** What the server said, where that is known. */
const causeOf = (error: unknown) => (error instanceof DomainError ? (error.cause ?? error) : error);

type Location = Extract<DatabaseLocation, { engine: 'postgres' }>;

/** A PostgreSQL database. Processes on several machines can share it. */
export function postgresEngine(location: Location, logger: Logger, memory: DatabaseMemory): Engine {
  const { url, pool, cache } = location;
  const name = displayName(location);
  const outages = createOutages(memory.outages, logger);
  let connections: Connections | undefined;
  let listener: Listener | undefined;

  function committed(): void {
    listener?.changed();
    outages.end('refused');
    outages.end('disk_full');
  }

  const unusable = (error: unknown) =>
    new StartupError(
      isBusy(error)
        ? `Another process keeps the database ${name} busy; wait until it is done, or stop it, and start again.`
        : `Cannot use the database ${name} (${reasonOf(causeOf(error))}); check DATABASE_URL, and that the server takes connections.`,
    );

  /** On a connection of its own. */
  async function ask<Answer>(question: (client: Client) => Promise<Answer>): Promise<Answer> {
    try {
      const client = await connectAlone(url);
      const answer = await question(client);
      await client.end();
      return answer;
    } catch (error) {
      throw unusable(error);
    }
  }

  return {
    name,

    async hasContent() {
      const { rows } = await ask((client) =>
        client.query<{ there: boolean }>("select to_regclass('database_identity') is not null as there"),
      );
      return rows[0]?.there === true;
    },

    isInUse: async () => !(await ask(isAlone)),

    async open() {
      connections = openConnections(url, pool, logger, outages);
      return new Kysely<Tables>({ dialect: postgresDialect(connections.pool, committed) });
    },

    async startServices(databaseId) {
      if (!connections) throw new Error('startServices before open');
      const opened = connections;
      opened.expect(databaseId);
      const listening = listen(url, databaseId);
      listener = listening;
      return {
        reader: openReader(opened, cache ? listening.epoch : () => undefined),
        slowReader: openSlowReader(opened.pool),
        backgroundWriter: openBackgroundWriter(opened.pool),
        directWriter: openDirectWriter(opened.pool),
        notifier: listening.notifier,
        pool: opened.state,
        // Each read says itself what is wrong with the server.
        assertHealthy: () => undefined,
        close: listening.close,
      };
    },

    openForCopy: (role) => openPostgresSide(url, role === 'source'),

    asStartupError: (error) =>
      error instanceof DomainError || error instanceof DatabaseError ? unusable(error) : error,
  };
}
