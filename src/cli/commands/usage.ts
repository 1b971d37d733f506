import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { time } from '../format.ts';
import { type Column, table } from '../table.ts';
import { positive, suggesting } from '../values.ts';

type Counts = { valid: number; refused: Record<string, number> };
type Bucket = Counts & { start: number };
type KeyUsage = Counts & { id: number; label: string | null; hint: string | null };
type UsageOptions = Partial<Record<'from' | 'to' | 'bucket', string>> & { top?: number };

const refusedText = (refused: Counts['refused']) =>
  Object.entries(refused)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ') || '-';

const counts: readonly Column<Counts>[] = [
  { title: 'VALID', of: ({ valid }) => valid },
  { title: 'REFUSED', of: ({ refused }) => refusedText(refused) },
];
const bucketColumns: readonly Column<Bucket>[] = [
  { title: 'START', of: ({ start }) => time(start) },
  ...counts,
];
const keyColumns: readonly Column<KeyUsage>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'LABEL', of: ({ label }) => label ?? '(deleted)' },
  ...counts,
];

/** Shows how often keys are used. */
export function addUsage(program: Command, context: Context): void {
  const { request, output } = context;
  program
    .command('usage')
    .argument('[id]', 'one key; otherwise all keys together', positive)
    .description('show how often keys were verified')
    .option('--from <time>', 'such as 2030-01-31T12:00:00Z; 24 hours before --to by default')
    .option('--to <time>', 'the first moment after the period; now by default')
    .addOption(suggesting('--bucket <length>', 'one line for each', ['hour', 'day']))
    .option('--top <count>', 'the keys with the most verifications, at most so many', positive)
    .addHelpText(
      'after',
      '\nExamples:\n  keyhearth usage\n  keyhearth usage 2 --bucket day\n  keyhearth usage --top 10',
    )
    .action(async (id: number | undefined, { top, bucket, from, to }: UsageOptions) => {
      if (top !== undefined) {
        if (id !== undefined || bucket !== undefined)
          throw usageError('Use --top without the id of a key and without --bucket.');
        const query = { from, to, limit: top };
        const { keys } = await request<{ keys: KeyUsage[] }>({
          method: 'GET',
          path: 'auth/usage/keys',
          query,
        });
        return output.print(keys, (paint) => table(keyColumns, keys, paint));
      }
      const path = id === undefined ? 'auth/usage' : `auth/keys/${id}/usage`;
      const query = { from, to, bucket };
      const { buckets } = await request<{ buckets: Bucket[] }>({ method: 'GET', path, query });
      output.print(buckets, (paint) => table(bucketColumns, buckets, paint));
    });
}
