import { isAlias, isNode, isSeq } from 'yaml';
import {
  hasPlausibleChecksum,
  MAX_KEY_LENGTH,
  PRINTABLE_ASCII,
  RESERVED_PREFIXES,
} from '../keys/key-format.ts';
import { weaknessOf } from '../keys/weak-key.ts';
import { RawKey } from '../lib/brand.ts';
import type { DeclaredKey } from './config.ts';
import type { FieldPath, ReadDocument } from './document.ts';

/** The keys of clients have fewer rules than those of the core API: people bring files with keys that are in use. */
export const MIN_DECLARED_LENGTH = 8;
const SAFE_LENGTH = 32;

/** A field, and what it must be or is. `at`: another field, in the line that is meant. */
export type Remark = Readonly<{ path: FieldPath; message: string; at?: FieldPath }>;

type DeclaredKeys = Readonly<{ keys: DeclaredKey[]; warnings: Remark[] }>;

/** What is wrong with a key that a file declares; undefined when nothing is. */
export function faultOf(key: string): string | undefined {
  if (key.length < MIN_DECLARED_LENGTH || key.length > MAX_KEY_LENGTH)
    return `must have ${MIN_DECLARED_LENGTH} to ${MAX_KEY_LENGTH} characters`;
  if (!PRINTABLE_ASCII.test(key)) return 'must be printable ASCII characters without spaces';
  const reserved = RESERVED_PREFIXES.find((prefix) => key.startsWith(`${prefix}_`));
  if (reserved !== undefined) return `must not begin with ${reserved}_, which is for other credentials`;
  if (!hasPlausibleChecksum(key)) return 'looks like a key of Keyhearth, but has a typing mistake';
  return undefined;
}

/** Returns the first fault in place of the keys. A key that stands twice counts once. */
export function readDeclaredKeys(
  text: string,
  read: ReadDocument,
  written: readonly string[],
): DeclaredKeys | Remark {
  const labelOf = labels(text, read);
  const keys = new Map<string, DeclaredKey>();
  const warnings: Remark[] = [];
  for (const [i, key] of written.entries()) {
    const path = ['api-keys', i];
    const fault = faultOf(key);
    if (fault !== undefined) return { path, message: fault };
    if (keys.has(key)) {
      warnings.push({ path, message: 'stands in the list already' });
      continue;
    }
    const rawKey = RawKey(key);
    keys.set(key, { rawKey, label: labelOf(i) });
    const weakness = key.length < SAFE_LENGTH ? undefined : weaknessOf(rawKey);
    if (weakness !== undefined)
      warnings.push({ path, message: `is easy to guess, because it is ${weakness}` });
    if (/^["']|["']$/.test(key))
      warnings.push({ path, message: 'has a quote at one end, which is a part of the key' });
    if (key.length < SAFE_LENGTH)
      warnings.push({ path, message: `has fewer than ${SAFE_LENGTH} characters; use a longer key` });
  }
  return { keys: [...keys.values()], warnings };
}

/** The label of a key is the comment behind it, in its line. */
function labels(text: string, { document }: ReadDocument): (index: number) => string {
  const named = document.get('api-keys', true);
  const list = isAlias(named) ? named.resolve(document) : named;
  return (index) => {
    const item = isSeq(list) ? list.items[index] : undefined;
    if (!isNode(item) || !item.range || typeof item.comment !== 'string') return '';
    const [restOfLine = ''] = text.slice(item.range[1]).split(/[\r\n]/, 1);
    const [comment = ''] = item.comment.split('\n', 1);
    return restOfLine.includes('#') ? comment.trim() : '';
  };
}
