import type { Command } from 'commander';
import type { KeySettings } from '../client/types.ts';
import { usageError } from './exit-codes.ts';
import {
  collect,
  duration,
  jsonObject,
  positive,
  type RateLimit,
  rateLimits,
  timeOrSeconds,
} from './values.ts';

/** The options of `keys create` and `keys update` that describe a key. */
export type SettingOptions = {
  label?: string;
  owner?: string;
  scope?: string[];
  /** False after `--no-scopes`. */
  scopes: boolean;
  expiresIn?: string;
  expiresAt?: string | number;
  /** False after `--no-expiry`. */
  expiry: boolean;
  allowIp?: string[];
  /** False after `--any-ip`. */
  anyIp?: boolean;
  rateLimit?: RateLimit[];
  /** False after `--no-rate-limits`. */
  rateLimits: boolean;
  maxConcurrent?: number;
  metadata?: Record<string, unknown>;
};

export const withSettings = (command: Command): Command =>
  command
    .option('--label <text>', 'a name for people')
    .option('--owner <text>', 'whose key it is; grants nothing')
    .option('--scope <scope>', 'what the key may do; can be repeated', collect)
    .option('--no-scopes', 'only prove that the key is valid')
    .option('--expires-in <duration>', 'from now, such as 90d or 12h', duration)
    .option('--expires-at <time>', 'such as 2030-01-31 or 2030-01-31T12:00:00Z', timeOrSeconds)
    .option('--no-expiry', 'never expire')
    .option('--allow-ip <address>', 'an address or network that may use the key; can be repeated', collect)
    .option('--any-ip', 'every address may use the key')
    .option('--rate-limit <limit>', 'such as burst=100/1m; can be repeated', rateLimits)
    .option('--no-rate-limits', 'no rate limits')
    .option('--max-concurrent <count>', 'open requests at the gateway', positive)
    .option('--metadata <json>', 'a JSON object for your own use', jsonObject);

/** What the options ask for. A setting without an option is absent. */
export function settingsOf(options: SettingOptions): KeySettings {
  const scopes = either('--scope', options.scope, '--no-scopes', options.scopes ? undefined : []);
  const allowedIps = either('--allow-ip', options.allowIp, '--any-ip', options.anyIp ? [] : undefined);
  const limits = either(
    '--rate-limit',
    options.rateLimit,
    '--no-rate-limits',
    options.rateLimits ? undefined : [],
  );
  const expiry = either('--expires-at', options.expiresAt, '--no-expiry', options.expiry ? undefined : null);
  const lifetime = options.expiresIn;
  either('--expires-in', lifetime, options.expiry ? '--expires-at' : '--no-expiry', expiry);
  return {
    ...given('label', options.label),
    ...given('owner', options.owner),
    ...given('scopes', scopes),
    ...given('expires_in', lifetime),
    ...given('expires_at', expiry),
    ...given('allowed_ips', allowedIps),
    ...given('rate_limits', limits),
    ...given('max_concurrent', options.maxConcurrent),
    ...given('metadata', options.metadata),
  };
}

const given = (name: keyof KeySettings, value: unknown) => (value === undefined ? {} : { [name]: value });

function either<One, Other>(name: string, one: One, otherName: string, other: Other): One | Other {
  if (one !== undefined && other !== undefined)
    throw usageError(`Use ${name} or ${otherName}, and not both.`);
  return one ?? other;
}
