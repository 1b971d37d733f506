import type { KeySettings } from '../client/types.ts';

/** Fields of requests that are not settings of a key. */
type OtherField =
  | 'prefix'
  | 'grace'
  | 'status'
  | 'source'
  | 'sort'
  | 'account_id'
  | 'limit'
  | 'role'
  | 'email';
type Filter = 'from' | 'to' | 'bucket' | 'action' | 'actor' | 'key_id' | 'address';

/** How the command line names the fields of requests. A list of keys has its own limit, so `limit` is that of `--top`. */
export const NAMES: Readonly<Record<keyof KeySettings | OtherField | Filter, string>> = {
  label: '--label',
  owner: '--owner',
  scopes: '--scope',
  expires_in: '--expires-in',
  expires_at: '--expires-at',
  allowed_ips: '--allow-ip',
  rate_limits: '--rate-limit',
  max_concurrent: '--max-concurrent',
  metadata: '--metadata',
  prefix: '--prefix',
  grace: '--grace',
  status: '--status',
  source: '--source',
  sort: '--sort',
  account_id: '--account',
  limit: '--top',
  role: '--role',
  email: 'The argument <email>',
  from: '--from',
  to: '--to',
  bucket: '--bucket',
  action: '--action',
  actor: '--actor',
  key_id: '--key-id',
  address: 'The argument <address>',
};

const isKnown = (field: string): field is keyof typeof NAMES => Object.hasOwn(NAMES, field);

/** @param path of a field, such as `rate_limits.0.window`: the number of an entry says nothing about an option */
export function nameOfField(path: string): string {
  const [field = '', ...rest] = path.split('.').filter((part) => !/^\d+$/.test(part));
  const inner = rest.length === 0 ? '' : ` (${rest.join('.')})`;
  return `${isKnown(field) ? NAMES[field] : field}${inner}`;
}
