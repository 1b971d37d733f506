import type { KyselyPlugin, QueryId } from 'kysely';
import type { EngineServices, Reader } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Meter } from './meter.ts';

export type Storage = Readonly<{ db: Db; services: EngineServices }>;

/** The same database, which records how long it takes. */
export function timedDatabase(meter: Meter, { db, services }: Storage): Storage {
  const { reader, slowReader, backgroundWriter, directWriter, pool } = services;
  const search = timing(meter.histogram('databaseSeconds', 'search'));
  const background = timing(meter.histogram('databaseSeconds', 'background'));
  const rateLimit = timing(meter.histogram('databaseSeconds', 'rate_limit'));
  if (pool) {
    for (const state of ['busy', 'idle', 'waiting'] as const) meter.gauge('pool', state, () => pool()[state]);
  }
  return {
    db: db.withPlugin(timingPlugin(meter.histogram('databaseSeconds', 'statement'))),
    services: {
      ...services,
      reader: timedReader(reader, meter.histogram('databaseSeconds', 'look_up')),
      slowReader: { all: (query, client) => search(() => slowReader.all(query, client)) },
      backgroundWriter: { run: (...queries) => background(() => backgroundWriter.run(...queries)) },
      directWriter: directWriter && {
        run: (text, values) => rateLimit(() => directWriter.run(text, values)),
      },
    },
  };
}

type Record = (seconds: number) => void;

const secondsSince = (start: number) => (performance.now() - start) / 1_000;

const timing =
  (record: Record) =>
  async <T>(work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      record(secondsSince(start));
    }
  };

function timedReader(reader: Reader, record: Record): Reader {
  /** The result stays what it was: a promise only when it must be waited for. */
  function timed<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    const start = performance.now();
    const result = work();
    if (!(result instanceof Promise)) {
      record(secondsSince(start));
      return result;
    }
    return result.finally(() => record(secondsSince(start)));
  }
  return {
    epoch: reader.epoch,
    find(table, by, columns) {
      const find = reader.find(table, by, columns);
      return (value) => timed(() => find(value));
    },
    exists(query) {
      const exists = reader.exists(query);
      return (...parameters) => timed(() => exists(...parameters));
    },
  };
}

/** A statement that fails is not recorded, because Kysely does not pass its error to a plugin. */
function timingPlugin(record: Record): KyselyPlugin {
  const starts = new WeakMap<QueryId, number>();
  return {
    transformQuery({ node, queryId }) {
      starts.set(queryId, performance.now());
      return node;
    },
    async transformResult({ result, queryId }) {
      const start = starts.get(queryId);
      if (start !== undefined) record(secondsSince(start));
      return result;
    },
  };
}
