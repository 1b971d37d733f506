import { setTimeout } from 'node:timers/promises';
import { Kysely } from 'kysely';
import { DatabaseError } from 'pg';
import { DomainError } from '../../lib/failure.ts';
import type { Logger } from '../../lib/logger.ts';
import { StartupError } from '../../lib/startup-error.ts';
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
import { connectAlone, OTHER_SESSIONS } from './session.ts';
import { openSlowReader } from './slow-reader.ts';

/** The server knows a connection for a moment longer than the process that has closed it. */
const ENDING_TRIES = 10;
const ENDING_MS = 100;

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
      `Cannot use the database ${name} (${reasonOf(error)}); check DATABASE_URL, and that the server takes connections.`,
    );

  /** On a connection of its own. */
  async function ask<Row extends object>(text: string): Promise<Row[]> {
    try {
      const client = await connectAlone(url);
      const { rows } = await client.query<Row>(text);
      await client.end();
      return rows;
    } catch (error) {
      throw unusable(error);
    }
  }

  return {
    name,

    async hasContent() {
      const [row] = await ask<{ there: boolean }>(
        "select to_regclass('database_identity') is not null as there",
      );
      return row?.there === true;
    },

    async isInUse() {
      for (let i = 0; i < ENDING_TRIES; i++) {
        if ((await ask(OTHER_SESSIONS)).length === 0) return false;
        await setTimeout(ENDING_MS);
      }
      return true;
    },

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
