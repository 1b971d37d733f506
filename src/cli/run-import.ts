import { createFieldNames } from '../import/field-names.ts';
import { importKeys } from '../import/import.ts';
import { type OpenFile, openFile } from '../import/open-file.ts';
import { readCliProxy } from '../import/read-cli-proxy.ts';
import { readCsv } from '../import/read-csv.ts';
import { readJsonl } from '../import/read-jsonl.ts';
import { readProxbox } from '../import/read-proxbox.ts';
import { type Item, UnreadableFile } from '../import/record.ts';
import { createImportStore, type ImportStore } from '../import/store.ts';
import type { Summary } from '../import/summary.ts';
import { fingerprinter } from '../keys/digests.ts';
import { scope, scopes } from '../keys/settings-rules.ts';
import { hasManagingKey } from '../keys/store.ts';
import { systemClock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { asDatabaseError } from './database-errors.ts';
import { CommandError, EXIT, usageError } from './exit-codes.ts';
import { offline } from './offline.ts';
import { showImport } from './show-import.ts';

type Job = Readonly<{
  file: string;
  isDryRun: boolean;
  unit: 'line' | 'row';
  items: AsyncIterable<Item> | Iterable<Item>;
  /** How much of the file is read; undefined when nobody knows its size. */
  read?: (() => { done: number; total: number }) | undefined;
}>;

export async function importProxbox(context: Context, file: string, isDryRun: boolean): Promise<void> {
  const items = opened(file, () => readProxbox(file));
  const summary = await run(context, { file, isDryRun, unit: 'row', items });
  finish(file, summary);
}

export async function importCliProxy(context: Context, file: string, isDryRun: boolean): Promise<void> {
  const { items, warnings } = opened(file, () => readCliProxy(file));
  if (items.length === 0) throw new CommandError(`${file}: There are no keys in api-keys.`);
  const summary = await run(context, { file, isDryRun, unit: 'line', items }, (store) => store.release);
  for (const warning of warnings) context.output.note(warning);
  if (!isDryRun && summary.imported + summary.alreadyThere > 0)
    context.output.note(
      `The api-keys of ${file} no longer decide about these keys, so you can remove them there. Keep one entry in api-keys, such as a new key that nobody uses: without any, the gateway asks for no key.`,
    );
  finish(file, summary);
}

export type KeysOptions = Readonly<{
  format: 'jsonl' | 'csv' | undefined;
  scopes: readonly string[];
  /** The names of the file for our fields. */
  fields: ReadonlyMap<string, string>;
  ignoresUnknown: boolean;
  isDryRun: boolean;
}>;

const FORMATS: Readonly<Record<string, 'jsonl' | 'csv'>> = { jsonl: 'jsonl', ndjson: 'jsonl', csv: 'csv' };

export async function importKeysFile(context: Context, file: string, options: KeysOptions): Promise<void> {
  const defaults = scopes(scope()).safeParse(options.scopes);
  if (!defaults.success) throw usageError(`--scope ${defaults.error.issues[0]?.message}.`);
  const input: OpenFile =
    file === '-'
      ? { chunks: context.input.chunks(), size: undefined, isOpenToOthers: false }
      : opened(file, () => openFile(file));
  const format = options.format ?? FORMATS[file.replace(/^.*\./, '').toLowerCase()];
  if (format === undefined) throw usageError('Add --format jsonl or --format csv.');
  const { chunks, position } = counted(input.chunks);
  const names = createFieldNames(options.fields, options.ignoresUnknown);
  const items = (format === 'csv' ? readCsv : readJsonl)(chunks, names, defaults.data);
  const { size: total } = input;
  const read = total === undefined ? undefined : () => ({ done: position(), total });
  const { isDryRun } = options;
  const summary = await run(context, { file, isDryRun, unit: 'line', items, read });
  if (input.isOpenToOthers)
    context.output.note(
      `Other users of this machine can read ${file}. If it has raw keys, delete it, or run: chmod 600 ${file}`,
    );
  finish(file, summary);
}

/** @throws CommandError when the file cannot be used */
function opened<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new CommandError(`${file}: ${error.message}`, error.isMissing ? EXIT.notFound : EXIT.failed);
  }
}

function counted(chunks: AsyncIterable<Uint8Array>) {
  let position = 0;
  return {
    position: () => position,
    chunks: (async function* () {
      for await (const chunk of chunks) {
        position += chunk.length;
        yield chunk;
      }
    })(),
  };
}

const run = (
  context: Context,
  { file, isDryRun, unit, items, read }: Job,
  choose = ({ keep }: ImportStore) => keep,
): Promise<Summary> =>
  offline(context, async ({ storage }) => {
    const { db, pepper, previousPepper } = storage;
    const parts = {
      ...{ db, clock: systemClock, fingerprintOf: fingerprinter(pepper) },
      previousFingerprintOf: previousPepper && fingerprinter(previousPepper),
    };
    const store = createImportStore(parts, isDryRun);
    const summary = await context.output
      .withProgress(
        (report) =>
          importKeys(items, choose(store), systemClock, (count) => {
            const { done, total } = read?.() ?? {};
            report(isDryRun ? 'Checking keys' : 'Importing keys', done ?? count, total);
          }),
        'Interrupted. Run the import again: it continues.',
      )
      .catch((error: unknown) => {
        throw asDatabaseError(error, 'Then run the import again: it continues.');
      });
    if (summary.imported > 0 && !isDryRun) storage.markClaimed();
    showImport(context.output, { file, isDryRun, unit, summary });
    if (summary.expired > 0)
      context.output.note(
        `${summary.expired} of these keys ${isDryRun ? 'would be' : 'are'} refused, because they have expired.`,
      );
    if (!isDryRun && !(await hasManagingKey(db)))
      context.output.note('No key can manage keys yet. Make one with: keyhearth recover');
    return summary;
  });

/** @throws CommandError when not all keys are there now */
function finish(file: string, { refused, stopped }: Summary): void {
  if (stopped !== undefined) throw new CommandError(`${file}: ${stopped}`);
  if (refused > 0) throw new CommandError(`Refused keys: ${refused}`, EXIT.findings);
}
