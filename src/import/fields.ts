import { z } from 'zod';
import type { KeySettings } from '../keys/key.ts';
import * as rules from '../keys/settings-rules.ts';
import type { Scope } from '../lib/brand.ts';
import { SECRET_FIELDS, type SettingField } from './field-list.ts';
import type { Item } from './record.ts';
import { readSecret } from './secret.ts';
import { parseTime } from './time.ts';

/** From the fields of a line to a key. The rules for settings are those of the core API. */

const time = () =>
  z.unknown().transform((value, { addIssue }): number => {
    const ms = parseTime(value);
    if (ms !== undefined) return ms;
    addIssue({
      code: 'custom',
      message: 'must be a time like 2030-01-31T12:00:00Z, or a number of seconds or milliseconds since 1970',
    });
    return z.NEVER;
  });

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', '1'].map((text) => [text, true] as const),
  ...['false', 'f', 'no', '0'].map((text) => [text, false] as const),
]);

const flag = () =>
  z.union([z.boolean(), z.string(), z.number()]).transform((value, { addIssue }): boolean => {
    const known = typeof value === 'boolean' ? value : FLAGS.get(String(value).toLowerCase());
    if (known !== undefined) return known;
    addIssue({ code: 'custom', message: 'must be true or false' });
    return z.NEVER;
  });

/** A list, or text with spaces or commas between its parts. */
const listOrText = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(/[\s,]+/).filter((part) => part !== '') : value;

/** Parses JSON in a CSV cell. Invalid JSON stays text, and the schema then says what the field must be. */
function jsonOrText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Turns a number in a CSV cell into a number. */
const numberOrText = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;

const settings = {
  label: rules.visibleText().optional(),
  owner: rules.visibleText().optional(),
  scopes: z.preprocess(listOrText, rules.scopes(rules.scope())).optional(),
  expires_at: time().optional(),
  allowed_ips: z.preprocess(listOrText, rules.allowedIps(rules.network())).optional(),
  is_active: flag().optional(),
  created_at: time().optional(),
  metadata: z.preprocess(jsonOrText, rules.metadata()).optional(),
  rate_limits: z
    .preprocess(
      jsonOrText,
      rules.rateLimits(z.strictObject(rules.rateLimitFields()).transform(rules.toRateLimit)),
    )
    .optional(),
  max_concurrent: z.preprocess(numberOrText, rules.maxConcurrent()).optional(),
} satisfies Record<SettingField, z.ZodType>;
const schema = z.strictObject(settings);
type Settings = z.output<typeof schema>;

/** A name that is certainly not a secret in the wrong place. */
const PLAIN_NAME = /^[A-Za-z_]{1,24}$/;
export const shownName = (name: string): string => (PLAIN_NAME.test(name) ? name : '');

const isAbsent = (value: unknown) => value === undefined || value === null || value === '';

/**
 * @param fields the fields of a line. Null and empty text count as absent
 * @param defaultScopes for a line without scopes
 */
export function readFields(
  place: number,
  fields: Readonly<Record<string, unknown>>,
  defaultScopes: readonly Scope[],
): Item {
  const present = Object.entries(fields).filter(([, value]) => !isAbsent(value));
  const secrets = SECRET_FIELDS.filter((name) => present.some(([field]) => field === name));
  const [field, second] = secrets;
  if (field === undefined)
    return { place, field: '', reason: `must have one of ${SECRET_FIELDS.join(', ')}` };
  if (second !== undefined)
    return { place, field: second, reason: `must not stand beside ${field}; keep one of them` };
  // A key whose state is not known must not become active.
  if ('is_active' in fields && !present.some(([name]) => name === 'is_active'))
    return { place, field: 'is_active', reason: 'must be true or false' };
  const text = fields[field];
  if (typeof text !== 'string') return { place, field, reason: 'must be text; put it into quotes' };
  const secret = readSecret(field, text);
  if (typeof secret === 'string') return { place, field, reason: secret };
  const read = schema.safeParse(Object.fromEntries(present.filter(([name]) => name !== field)));
  if (read.success) return { place, key: { secret, ...toKey(read.data, defaultScopes) } };
  const [issue] = read.error.issues;
  if (issue?.code === 'unrecognized_keys' && issue.path.length === 0)
    return { place, field: shownName(issue.keys[0] ?? ''), reason: 'is a field that is not known' };
  return { place, field: nameOf(issue?.path ?? []), reason: issue?.message ?? 'is not valid' };
}

/** Such as `scopes[2]`. The names inside of metadata are the file's own. */
const nameOf = ([name = '', ...rest]: readonly PropertyKey[]) =>
  String(name) +
  rest.map((part) => (typeof part === 'number' ? `[${part}]` : `.${shownName(String(part))}`)).join('');

function toKey(read: Settings, defaultScopes: readonly Scope[]) {
  const chosen: KeySettings = {
    label: read.label ?? '',
    owner: read.owner ?? '',
    scopes: read.scopes ?? defaultScopes,
    expiresAt: read.expires_at ?? null,
    allowedIps: read.allowed_ips ?? [],
    rateLimits: read.rate_limits ?? [],
    maxConcurrent: read.max_concurrent ?? null,
    metadata: read.metadata ?? {},
  };
  return { settings: chosen, isActive: read.is_active ?? true, createdAt: read.created_at ?? null };
}
