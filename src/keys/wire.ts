import { formatNetwork } from '../lib/network.ts';
import type { ApiKey, KeySettings } from './key.ts';

const toSeconds = (milliseconds: number) => milliseconds / 1_000;

export const optionalSeconds = (milliseconds: number | null) =>
  milliseconds === null ? null : toSeconds(milliseconds);

/** The settings of a key as clients and the audit log see them. Times are in seconds since 1970. */
export const publicSettings = (key: KeySettings & Pick<ApiKey, 'isActive'>) => ({
  label: key.label,
  owner: key.owner,
  scopes: [...key.scopes],
  is_active: key.isActive,
  expires_at: optionalSeconds(key.expiresAt),
  allowed_ips: key.allowedIps.map(formatNetwork),
  rate_limits: key.rateLimits.map(({ name, limit, window }) => ({ name, limit, window })),
  max_concurrent: key.maxConcurrent,
  metadata: { ...key.metadata },
});
