import type { ApiKey } from '../client/types.ts';
import { type Column, details, type Paint, type Style } from './table.ts';

/** How values of the API look to people. */

const MS = 1_000;

/** A time in seconds since 1970, in UTC. */
export const time = (seconds: number | null, without = '-'): string =>
  seconds === null ? without : new Date(seconds * MS).toISOString().replace(/\.\d+Z$/, 'Z');

const STATUS_STYLES: Readonly<Record<ApiKey['status'], Style>> = {
  active: 'green',
  inactive: 'red',
  expired: 'yellow',
};

export const list = (texts: readonly string[], without: string): string => texts.join(' ') || without;

export const keyColumns: readonly Column<ApiKey>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'LABEL', of: ({ label }) => label },
  { title: 'STATUS', of: ({ status }) => status, style: ({ status }) => STATUS_STYLES[status] },
  { title: 'SCOPES', of: ({ scopes }) => list(scopes, '-') },
  { title: 'EXPIRES', of: ({ expires_at }) => time(expires_at, 'never') },
  { title: 'LAST USED', of: ({ last_used_at }) => time(last_used_at, 'never') },
  { title: 'OWNER', of: ({ owner }) => owner },
  { title: 'HINT', of: ({ hint }) => hint },
];

export const keyDetails = (key: ApiKey, paint: Paint): string =>
  details(
    [
      ['Id', String(key.id)],
      ['Label', key.label],
      ['Hint', key.hint],
      ['Status', key.status],
      ['Scopes', list(key.scopes, 'none')],
      ['Owner', key.owner],
      ['Account', key.account_id ?? 'none'],
      ['Expires', time(key.expires_at, 'never')],
      ['Addresses', list(key.allowed_ips, 'all')],
      ['Rate limits', list(key.rate_limits.map(limitText), 'none')],
      ['Open requests', key.max_concurrent === null ? 'no limit' : `at most ${key.max_concurrent}`],
      ['Metadata', JSON.stringify(key.metadata)],
      ['Source', key.source],
      ['Created', time(key.created_at)],
      ['Last used', time(key.last_used_at, 'never')],
      ['Uses', String(key.use_count)],
      ...(key.rotated_from === null ? [] : [['Replaces', String(key.rotated_from)] as const]),
      ...(key.rotated_to === null ? [] : [['Replaced by', String(key.rotated_to)] as const]),
    ],
    paint,
  );

const limitText = ({ name, limit, window }: ApiKey['rate_limits'][number]) => `${name}=${limit}/${window}`;
