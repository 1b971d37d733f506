import type { Scope } from '../lib/brand.ts';
import type { FieldNames } from './field-names.ts';
import { readFields, shownName } from './fields.ts';
import { linesOf, MAX_LINE_BYTES } from './lines.ts';
import { type Item, isRefusal, type Refusal, UnreadableFile } from './record.ts';

/** So many keys wait until each field that `--field` names was there. */
export const MOST_WAITING = 10_000;

/**
 * Reads JSON Lines: one object a line. Empty lines are left out. A line may lack an optional field. But a field that no
 * line has is a mistake in `--field`, and without it, keys could be valid for ever. So none of them is read.
 * @throws UnreadableFile when the file is empty, or has no such field
 */
export async function* readJsonl(
  chunks: AsyncIterable<Uint8Array>,
  names: FieldNames,
  defaultScopes: readonly Scope[],
): AsyncGenerator<Item> {
  const unseen = new Set(names.sources);
  const waiting: Item[] = [];
  for await (const line of objectsOf(chunks)) {
    if (isRefusal(line)) {
      yield line;
      continue;
    }
    for (const source of unseen) if (Object.hasOwn(line.value, source)) unseen.delete(source);
    const item = readFields(line.place, names.rename(line.value), defaultScopes);
    if (unseen.size === 0) {
      if (waiting.length > 0) yield* waiting.splice(0);
      yield item;
    } else if (waiting.push(item) === MOST_WAITING) {
      throw absent(
        unseen,
        `None of the first ${MOST_WAITING} keys`,
        ' Or add it to the first line, with null.',
      );
    }
  }
  if (unseen.size > 0) throw absent(unseen, 'No line');
}

function absent(unseen: ReadonlySet<string>, which: string, more = ''): UnreadableFile {
  const [name = ''] = unseen;
  return new UnreadableFile(
    `${which} has the field ${shownName(name) || 'with the name in --field'}; correct --field.${more}`,
  );
}

type Line = Refusal | Readonly<{ place: number; value: Readonly<Record<string, unknown>> }>;

async function* objectsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let isEmpty = true;
  // It also leaves a byte order mark out.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const { number: place, bytes } of linesOf(chunks)) {
    const refused = (reason: string): Line => ({ place, field: '', reason });
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
    yield isObject(value) ? { place, value } : refused('must be one whole JSON object in UTF-8');
  }
  if (isEmpty) throw new UnreadableFile('The file is empty.');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
