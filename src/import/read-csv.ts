import { Readable } from 'node:stream';
import { CsvError, type InfoField, parse } from 'csv-parse';
import type { Scope } from '../lib/brand.ts';
import { FIELDS, SECRET_FIELDS } from './field-list.ts';
import type { FieldNames } from './field-names.ts';
import { readFields, shownName } from './fields.ts';
import { MAX_LINE_BYTES } from './lines.ts';
import { type Item, UnreadableFile } from './record.ts';

type Row = Readonly<{ record: readonly string[]; info: Pick<InfoField, 'lines'> }>;

/** Reads CSV (RFC 4180) whose first line names the columns. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  names: FieldNames,
  defaultScopes: readonly Scope[],
): AsyncGenerator<Item> {
  let columns: readonly (string | undefined)[] | undefined;
  for await (const { record, info } of rowsOf(chunks)) {
    if (columns === undefined) {
      columns = columnsOf(record, names);
      continue;
    }
    if (record.length !== columns.length) {
      const reason = `has ${record.length} columns, but the first line has ${columns.length}`;
      yield { place: info.lines, field: '', reason };
      continue;
    }
    const fields = columns.flatMap((name, i) => (name === undefined ? [] : [[name, record[i]] as const]));
    yield readFields(info.lines, Object.fromEntries(fields), defaultScopes);
  }
  if (columns === undefined) throw new UnreadableFile('The file is empty.');
}

async function* rowsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  const parser = parse({
    ...{ info: true, bom: true, relax_column_count: true, skip_empty_lines: true },
    max_record_size: MAX_LINE_BYTES,
  });
  const source = Readable.from(chunks);
  source.once('error', (error) => parser.destroy(error));
  try {
    for await (const row of source.pipe(parser)) yield row as Row;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UnreadableFile(sentenceOf(error));
  } finally {
    source.destroy();
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  CSV_MAX_RECORD_SIZE: `is longer than ${MAX_LINE_BYTES / 1_024} KiB, perhaps because a quote before it is not closed`,
  CSV_QUOTE_NOT_CLOSED: 'is the last one, and a quote before it is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'has text behind a closing quote; write a quote inside of quotes twice',
  INVALID_OPENING_QUOTE: 'has a quote in text that does not begin with one; put the whole text into quotes',
};

/** The messages of the parser contain parts of the file. */
const sentenceOf = ({ code, ...error }: CsvError) => {
  const { lines } = error as { lines?: number };
  return `${lines === undefined ? 'The file' : `Line ${lines}`} ${SENTENCES[code] ?? 'is not valid CSV'}. Nothing behind it was read.`;
};

const SEPARATORS: readonly (readonly [string, string])[] = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
];

/** @throws UnreadableFile, which names a column by its number when its name could be a key */
function columnsOf(record: readonly string[], names: FieldNames): (string | undefined)[] {
  const [, others] =
    SEPARATORS.find(([separator]) => record.length === 1 && record[0]?.includes(separator)) ?? [];
  if (others !== undefined)
    throw new UnreadableFile(`The columns are separated by ${others}; separate them by commas.`);
  const header = record.map((name) => name.trim());
  const absent = names.sources.find((source) => !header.includes(source));
  if (absent !== undefined)
    throw new UnreadableFile(
      `There is no column ${shownName(absent) || 'with the name in --field'}; correct --field.`,
    );
  const columns = header.map(names.nameOf);
  const advice = `The first line must name the columns. These are known: ${FIELDS.join(', ')}.`;
  for (const [i, column] of columns.entries()) {
    if (column === undefined) continue;
    const called = `Column ${i + 1}${shownName(column) && ` (${column})`}`;
    if (FIELDS.includes(column.toLowerCase()) && !FIELDS.includes(column))
      throw new UnreadableFile(`${called} must be written ${column.toLowerCase()}.`);
    if (!FIELDS.includes(column))
      throw new UnreadableFile(
        `${called} is not known. ${advice} Use --field or --ignore-unknown for others.`,
      );
    if (columns.indexOf(column) !== i) throw new UnreadableFile(`${called} stands twice. ${advice}`);
  }
  if (!columns.some((column) => SECRET_FIELDS.some((field) => field === column)))
    throw new UnreadableFile(`There is no column ${SECRET_FIELDS.join(', ')}. ${advice}`);
  return columns;
}
