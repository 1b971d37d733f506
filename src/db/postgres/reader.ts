import type { CompiledQuery } from 'kysely';
import { batch } from '../../lib/batch.ts';
import type { Parameters, Reader } from '../engine.ts';
import type { Connections } from './connections.ts';

/** Reads rows from the primary server. One statement reads the rows of many requests. */
export function openReader(connections: Connections, epoch: Reader['epoch']): Reader {
  return {
    epoch,
    find(table, by, columns) {
      const names = [...new Set<string>([...columns, by])].map((column) => `"${column}"`).join(', ');
      // In place of a missing row, the next one is read. Otherwise a missing row would take less time.
      const text = `select row.* from unnest($1::text[]) as asked(value) cross join lateral
        (select ${names} from "${table}" where "${by}" >= asked.value order by "${by}" limit 1) as row`;
      const ask = batch(async (values: string[]) => {
        const rows = await connections.read<Record<string, unknown>>(text, [[...new Set(values)]]);
        const found = new Map(rows.map((row) => [row[by], row]));
        return values.map((value) => found.get(value));
      });
      return (value) => ask(String(value)) as never;
    },
    exists({ sql: text }: CompiledQuery) {
      const ask = batch(async (questions: Parameters[]) => {
        const answers = new Map<string, Promise<boolean>>();
        function answer(parameters: Parameters): Promise<boolean> {
          const name = JSON.stringify(parameters);
          const known = answers.get(name);
          if (known) return known;
          const rows = connections.read(text, parameters);
          const found = rows.then(({ length }) => length > 0);
          answers.set(name, found);
          return found;
        }
        return Promise.all(questions.map(answer));
      });
      return (...parameters) => ask(parameters);
    },
  };
}
