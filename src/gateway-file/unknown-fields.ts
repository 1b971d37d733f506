import { z } from 'zod';
import type { Remark } from './declared.ts';
import type { FieldPath } from './document.ts';
import { FIELD_NAMES } from './schema.ts';

/** Fields that this service does not use. Each is named once, however many entries of a list have it. */

/** A name without digits, which nobody takes for a key that stands at the wrong place. */
const SHOWN_NAME = /^[A-Za-z][A-Za-z_-]{0,39}$/;

/** To find the line of each takes time. */
const MAX_NAMED = 100;

type Found = Readonly<{ known: unknown; unknown: Remark[] }>;

/** Splits what the file says into what the schema knows and what it does not know. */
export function findUnknown(schema: z.ZodObject, value: unknown): Found {
  const unknown = new Map<string, Remark>();
  const known = strip(schema, value, [], (path) => {
    const place = path.map((part) => (typeof part === 'number' ? '[]' : part)).join('.');
    if (unknown.size < MAX_NAMED && !unknown.has(place)) unknown.set(place, remarkOn(path));
  });
  return { known, unknown: [...unknown.values()] };
}

function strip(
  schema: z.core.$ZodType,
  value: unknown,
  path: FieldPath,
  onUnknown: (path: FieldPath) => void,
): unknown {
  if (schema instanceof z.ZodOptional) return strip(schema.def.innerType, value, path, onUnknown);
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((item, i) => strip(schema.def.element, item, [...path, i], onUnknown));
  if (!(schema instanceof z.ZodObject) || value === null || typeof value !== 'object' || Array.isArray(value))
    return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
      if (field) return [[name, strip(field, inner, [...path, name], onUnknown)]];
      onUnknown([...path, name]);
      return [];
    }),
  );
}

function remarkOn(path: FieldPath): Remark {
  const name = String(path.at(-1));
  const similar = similarName(name);
  if (similar !== undefined)
    return { path, message: `is not used by the gateway; perhaps it is a typing mistake for ${similar}` };
  if (SHOWN_NAME.test(name)) return { path, message: 'is not used by the gateway' };
  return { path: path.slice(0, -1), at: path, message: 'has a field that the gateway does not use' };
}

const bare = (name: string) => name.toLowerCase().replaceAll(/[-_]/g, '').replace(/s$/, '');

/** A name of ours that differs only in case, hyphens, or an "s" at its end. */
const similarName = (name: string) => [...FIELD_NAMES].find((ours) => bare(ours) === bare(name));
