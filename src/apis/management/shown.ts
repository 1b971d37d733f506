import type { Changes } from '../../audit/event.ts';
import { hintOf } from '../../keys/key-format.ts';
import { RawKey } from '../../lib/brand.ts';

/** What of the file may be shown. */

/** The names of fields that have a secret, also of those that only the original knows. */
const SECRET = /(?:api-?key|secret|secret-key|password|token|authorization|cookie)$/i;
/** Fields whose values are headers, which can carry a secret. */
const HEADERS = /^headers$/i;
/** The keys of clients, which the control panel shows and edits. */
const CLIENT_KEYS = 'api-keys';

const LONG = 16;

/** Enough to recognise a secret. A short one is hidden as a whole. */
export const mask = (secret: string): string =>
  secret.length < LONG ? '***' : `${secret.slice(0, 4)}...${secret.slice(-2)}`;

const withoutPassword = (text: string) =>
  /:\/\/[^/\s]*@/.test(text) ? text.replace(/:\/\/[^/\s]*@/, '://***@') : text;

type ShowKey = (key: string) => unknown;

function shownField(name: string, value: unknown, showKey: ShowKey): unknown {
  if (name === CLIENT_KEYS && Array.isArray(value)) return value.map((key) => showKey(String(key)));
  if (SECRET.test(name) && (typeof value === 'string' || typeof value === 'number'))
    return value === '' ? '' : mask(String(value));
  if (HEADERS.test(name) && typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([header, text]) => [header, mask(String(text))]));
  return shown(value, showKey);
}

function shown(value: unknown, showKey: ShowKey): unknown {
  if (typeof value === 'string') return withoutPassword(value);
  if (Array.isArray(value)) return value.map((item) => shown(item, showKey));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, shownField(name, inner, showKey)]),
  );
}

/** The file for the control panel: every secret is masked, except the keys of clients. */
export const maskSecrets = (file: unknown): unknown => shown(file, (key) => key);

/** The most items of a list in one audit event. */
const MAX_ITEMS = 20;

const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

/** The items of one list that another one lacks. */
function without(items: readonly unknown[], others: readonly unknown[]): unknown[] {
  const there = new Set(others.map((item) => JSON.stringify(item)));
  return items.filter((item) => !there.has(JSON.stringify(item)));
}

const limited = (items: readonly unknown[]) =>
  items.length > MAX_ITEMS ? [...items.slice(0, MAX_ITEMS), `and ${items.length - MAX_ITEMS} more`] : items;

type Fields = Readonly<Record<string, unknown>>;

/** What changed in the file, for the audit log. A list says only which items came and went. Keys are hints. */
export function changedFields(before: Fields, after: Fields): Changes {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return Object.fromEntries(
    changed.map((name) => {
      const show = (value: unknown) => shownField(name, value, (key) => hintOf(RawKey(key)));
      const [from, to] = [before[name], after[name]];
      if (!Array.isArray(from) && !Array.isArray(to))
        return [name, { from: show(from) ?? null, to: show(to) ?? null }];
      const [gone, come] = [without(listOf(from), listOf(to)), without(listOf(to), listOf(from))];
      return [name, { from: limited(listOf(show(gone))), to: limited(listOf(show(come))) }];
    }),
  );
}
