import type { InferRequestType } from 'hono/client';
import { ApiError, type api, type FieldError } from './api.ts';
import type { Key } from './key.ts';
import { EVERYTHING } from './scopes.ts';

/** `keep` is for a key that exists. */
export type ExpiryChoice = 'keep' | '30d' | '90d' | '365d' | 'never' | 'date';
export type ScopeChoice = 'none' | 'some' | 'all';
export type LimitRow = { row: number; name: string; limit: string; length: string; unit: string };

/** The settings of a key as a person types them. */
export type KeyDraft = {
  label: string;
  owner: string;
  scopeChoice: ScopeChoice;
  /** For the choice of `some`. */
  scopes: readonly string[];
  expiry: ExpiryChoice;
  date: string;
  limits: readonly LimitRow[];
  /** How many requests may be open at one time; empty when that is not limited. */
  concurrent: string;
  addresses: string;
  metadata: string;
  prefix: string;
};

type Settings = InferRequestType<typeof api.auth.keys.$post>['json'];
type Changes = InferRequestType<(typeof api.auth.keys)[':id']['$patch']>['json'];

/** The least that a key can be: it proves that it is valid, for three months. */
export const newDraft = (): KeyDraft => ({
  ...{ label: '', owner: '', scopeChoice: 'none', scopes: [] },
  ...{ expiry: '90d', date: '', limits: [], concurrent: '', addresses: '', metadata: '', prefix: '' },
});

export function draftOf(key: Key): KeyDraft {
  const isAll = key.scopes.includes(EVERYTHING);
  return {
    label: key.label,
    owner: key.owner,
    scopeChoice: isAll ? 'all' : key.scopes.length > 0 ? 'some' : 'none',
    scopes: isAll ? [] : key.scopes,
    expiry: 'keep',
    date: '',
    limits: key.rate_limits.map(({ name, limit, window }, row) => {
      const [, length = '', unit = 's'] = /^(\d+)([smhd])$/.exec(window) ?? [];
      return { row, name, limit: String(limit), length, unit };
    }),
    concurrent: key.max_concurrent === null ? '' : String(key.max_concurrent),
    addresses: key.allowed_ips.join('\n'),
    metadata: Object.keys(key.metadata).length === 0 ? '' : JSON.stringify(key.metadata, null, 2),
    prefix: '',
  };
}

export const addressesOf = ({ addresses }: KeyDraft) => addresses.split(/[\s,]+/).filter(Boolean);

export function scopesOf({ scopeChoice, scopes }: KeyDraft): string[] {
  if (scopeChoice === 'all') return [EVERYTHING];
  return scopeChoice === 'none' ? [] : [...scopes];
}

/** The body of a new key. @throws ApiError with what the service cannot say about the text of a field */
export function settingsOf(draft: KeyDraft): Settings {
  assertReadable(draft);
  const { prefix } = draft;
  return { ...plainSettingsOf(draft), ...expiryOf(draft), ...(prefix && { prefix: prefix.trim() }) };
}

/** The settings that differ from those of the key. @throws ApiError as `settingsOf` */
export function changesOf(key: Key, draft: KeyDraft): Changes {
  assertReadable(draft);
  const changed = Object.entries(plainSettingsOf(draft)).filter(([name, value]) => {
    const before = key[name as keyof Key];
    return JSON.stringify(inAnyOrder(name, value)) !== JSON.stringify(inAnyOrder(name, before));
  });
  return { ...Object.fromEntries(changed), ...expiryOf(draft) };
}

const inAnyOrder = (name: string, value: unknown) =>
  name === 'scopes' && Array.isArray(value) ? value.toSorted() : value;

const plainSettingsOf = (draft: KeyDraft) => ({
  label: draft.label.trim(),
  owner: draft.owner.trim(),
  scopes: scopesOf(draft),
  allowed_ips: addressesOf(draft),
  rate_limits: draft.limits.map(({ name, limit, length, unit }) => ({
    name: name.trim(),
    limit: Number(limit),
    window: `${length.trim()}${unit}`,
  })),
  max_concurrent: draft.concurrent.trim() === '' ? null : Number(draft.concurrent),
  metadata: metadataOf(draft) ?? {},
});

function expiryOf({ expiry, date }: KeyDraft) {
  if (expiry === 'keep') return {};
  if (expiry === 'never') return { expires_at: null };
  return expiry === 'date' ? { expires_at: endOf(date) } : { expires_in: expiry };
}

/** The last second of a day, where the person is. */
const endOf = (date: string) => new Date(`${date}T23:59:59`).getTime() / 1_000;

function metadataOf({ metadata }: KeyDraft): Record<string, unknown> | undefined {
  if (metadata.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(metadata);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function assertReadable(draft: KeyDraft): void {
  const errors: FieldError[] = draft.limits.flatMap(({ length }, index) =>
    /^\s*[1-9]\d*\s*$/.test(length)
      ? []
      : [{ path: `rate_limits.${index}.window`, message: 'must be a whole number' }],
  );
  if (!/^\s*\d*\s*$/.test(draft.concurrent))
    errors.push({ path: 'max_concurrent', message: 'must be a whole number' });
  if (metadataOf(draft) === undefined)
    errors.push({ path: 'metadata', message: 'must be a JSON object, like {"team": "billing"}' });
  if (draft.scopeChoice === 'some' && scopesOf(draft).length === 0)
    errors.push({ path: 'scopes', message: 'Choose a scope, or choose that the key needs none.' });
  if (draft.expiry === 'date' && Number.isNaN(endOf(draft.date)))
    errors.push({ path: 'expires_at', message: 'must be a date' });
  if (errors.length > 0)
    throw new ApiError('Correct the marked fields.', { status: 400, code: 'invalid_request', errors });
}
