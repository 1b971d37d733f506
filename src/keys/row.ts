import type { Insertable, Selectable } from 'kysely';
import type { ApiKeyTable } from '../db/tables.ts';
import { KeyId, Scope } from '../lib/brand.ts';
import { parseDuration } from '../lib/duration.ts';
import { foldedUnlessAscii } from '../lib/fold.ts';
import { memoize } from '../lib/memoize.ts';
import { formatNetwork, type Network, parseNetwork } from '../lib/network.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import type { ApiKey, JsonObject, KeySettings } from './key.ts';
import { everyScope } from './scopes.ts';

/** All columns but the digests. */
export const columns = [
  ...(['id', 'label', 'owner', 'hint', 'prefix', 'scopes', 'is_active', 'expires_at', 'is_expired'] as const),
  ...([
    'allowed_ips',
    'rate_limits',
    'max_concurrent',
    'metadata',
    'source',
    'rotated_from',
    'rotated_to',
    'root_id',
  ] as const),
  ...(['account_id', 'account_standing'] as const),
  ...(['created_at', 'last_used_at', 'use_count'] as const),
] as const;

export type KeyRow = Pick<Selectable<ApiKeyTable>, (typeof columns)[number]>;

const noNetworks: readonly Network[] = [];
const noLimits: readonly RateLimit[] = [];
const noMetadata: JsonObject = {};

export const toApiKey = (row: KeyRow): ApiKey => ({
  id: row.id,
  label: row.label,
  owner: row.owner,
  hint: row.hint,
  prefix: row.prefix,
  scopes: parseScopes(row.scopes),
  isActive: row.is_active === 1,
  expiresAt: row.expires_at,
  isExpired: row.is_expired === 1,
  allowedIps: row.allowed_ips === '' ? noNetworks : storedNetworks(row.allowed_ips),
  rateLimits: row.rate_limits === '[]' ? noLimits : parseLimits(row.rate_limits),
  maxConcurrent: row.max_concurrent,
  metadata: row.metadata === '{}' ? noMetadata : JSON.parse(row.metadata),
  source: row.source,
  rotatedFrom: row.rotated_from,
  rotatedTo: row.rotated_to,
  rootId: row.root_id ?? row.id,
  account: ownerOf(row),
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  useCount: row.use_count,
});

const ownerOf = ({ account_id: id, account_standing: standing }: KeyRow): ApiKey['account'] =>
  id === null || standing === null ? null : { id, standing };

/** The row of no key. It takes the place of a missing one. */
export const sampleRow: KeyRow = {
  ...{
    id: KeyId(0),
    label: '',
    owner: '',
    hint: '',
    prefix: null,
    scopes: '',
    is_active: 0,
    expires_at: null,
  },
  ...{ is_expired: 0, allowed_ips: '192.0.2.1', rate_limits: '[]', metadata: '{}', source: 'created' },
  max_concurrent: null,
  ...{
    rotated_from: null,
    rotated_to: null,
    root_id: null,
    account_id: null,
    account_standing: null,
    created_at: 0,
    last_used_at: null,
    use_count: 0,
  },
};

export function fromSettings(settings: KeySettings) {
  return {
    label: settings.label,
    owner: settings.owner,
    label_folded: foldedUnlessAscii(settings.label),
    owner_folded: foldedUnlessAscii(settings.owner),
    scopes: settings.scopes.join(' '),
    expires_at: settings.expiresAt,
    allowed_ips: settings.allowedIps.map(formatNetwork).join(' '),
    rate_limits: JSON.stringify(
      settings.rateLimits.map(({ name, limit, window }) => ({ name, limit, window })),
    ),
    max_concurrent: settings.maxConcurrent,
    metadata: JSON.stringify(settings.metadata),
  } satisfies Partial<Insertable<ApiKeyTable>>;
}

function parseScopes(text: string): readonly Scope[] {
  if (text === '*') return everyScope;
  return text === '' ? [] : text.split(' ').map(Scope);
}

/** Longer lists are rare, and thousands of them would take a lot of memory. */
const MAX_REMEMBERED_LIST = 300;

/** Parsing takes so long that the time of a refusal would show that the key has a list. Many keys share one. */
const storedNetworks = memoize(
  (text: string): readonly Network[] => text.split(' ').map(storedNetwork),
  (text) => text.length <= MAX_REMEMBERED_LIST,
);

function storedNetwork(text: string): Network {
  const network = parseNetwork(text);
  if (!network) throw new TypeError('the database has an address that is not one');
  return network;
}

const parseLimits = (json: string): readonly RateLimit[] =>
  (JSON.parse(json) as Omit<RateLimit, 'windowMs'>[]).map((limit) => ({
    ...limit,
    windowMs: parseDuration(limit.window) ?? 0,
  }));
