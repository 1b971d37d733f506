import type { Scope } from '../lib/brand.ts';
import type { FieldNames } from './field-names.ts';
import { readFields } from './fields.ts';
import { linesOf, MAX_LINE_BYTES } from './lines.ts';
import { type Item, UnreadableFile } from './record.ts';

/** Reads JSON Lines: one object a line. Empty lines are left out. */
export async function* readJsonl(
  chunks: AsyncIterable<Uint8Array>,
  names: FieldNames,
  defaultScopes: readonly Scope[],
): AsyncGenerator<Item> {
  let isEmpty = true;
  // It also leaves a byte order mark out.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const { number: place, bytes } of linesOf(chunks)) {
    const refused = (reason: string): Item => ({ place, field: '', reason });
    if (bytes === undefined) {
      isEmpty = false;
      yield refused(`must have at most ${MAX_LINE_BYTES / 1_024} KiB`);
      continue;
    }
    let value: unknown;
    try {
      const text = decoder.decode(bytes).trim();
      if (text === '') continue;
      isEmpty = false;
      value = JSON.parse(text);
    } catch {
      isEmpty = false;
      // The messages of both contain a part of the line, and so perhaps of a key.
      yield refused('must be one whole JSON object in UTF-8');
      continue;
    }
    yield isObject(value)
      ? readFields(place, names.rename(value), defaultScopes)
      : refused('must be one whole JSON object in UTF-8');
  }
  if (isEmpty) throw new UnreadableFile('The file is empty.');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
