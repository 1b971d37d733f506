import type { Changes } from '../../audit/event.ts';
import { maskedFields } from '../../gateway-file/mask.ts';
import { hintOf } from '../../keys/key-format.ts';
import { RawKey } from '../../lib/brand.ts';
import type { Fields } from './fields.ts';

/** The most items of a list in one audit event. */
const MAX_ITEMS = 20;

/** The keys of clients are no secret for an operator. In the audit log they are hints. */
function withHints(value: unknown, name = ''): unknown {
  if (Array.isArray(value))
    return value.map((item) => (name === 'api-keys' ? hintOf(RawKey(String(item))) : withHints(item)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([each, inner]) => [each, withHints(inner, each)]));
}

/** A field of the file as the audit log shows it. */
const shown = (name: string, value: unknown): unknown =>
  value === undefined ? null : maskedFields({ [name]: withHints(value, name) })[name];

const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

/** The items of one list that another one lacks. */
function without(items: readonly unknown[], others: readonly unknown[]): unknown[] {
  const there = new Set(others.map((item) => JSON.stringify(item)));
  return items.filter((item) => !there.has(JSON.stringify(item)));
}

const limited = (items: readonly unknown[]) =>
  items.length > MAX_ITEMS ? [...items.slice(0, MAX_ITEMS), `and ${items.length - MAX_ITEMS} more`] : items;

/** What changed in the file, for the audit log. A list says only which items came and went. */
export function changedFields(before: Fields, after: Fields): Changes {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return Object.fromEntries(
    changed.map((name) => {
      const [from, to] = [before[name], after[name]];
      if (!Array.isArray(from) && !Array.isArray(to))
        return [name, { from: shown(name, from), to: shown(name, to) }];
      const [gone, come] = [without(listOf(from), listOf(to)), without(listOf(to), listOf(from))];
      return [name, { from: limited(listOf(shown(name, gone))), to: limited(listOf(shown(name, come))) }];
    }),
  );
}
