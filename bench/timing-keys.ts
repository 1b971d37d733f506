import { randomBytes, randomInt } from 'node:crypto';
import { parseConfig } from '../src/config.ts';
import { transaction } from '../src/db/transaction.ts';
import { fingerprinter } from '../src/keys/digests.ts';
import { checksum, generateRawKey, hintOf } from '../src/keys/key-format.ts';
import { RawKey } from '../src/lib/brand.ts';
import { createLogger } from '../src/lib/logger.ts';
import { openStorage } from '../src/storage.ts';
import { HASH, LABEL } from './seed.ts';

/** The keys that `timing.ts` compares. */

/** Each of these is sent again and again. All others are sent once, so that no cache knows them. */
const REPEATED_KEYS = 20;
const ROWS_PER_STATEMENT = 1_000;
const PREFIX_LENGTH = 'kh_'.length;
const CHECKSUM_LENGTH = 6;

/** Keys of one kind, and how long the answers to them took. */
type Kind = { keys: readonly string[]; times: number[] };

export type Pair = { name: string; ones: Kind; others: Kind };

/** Why a key that the database has is valid or not. */
export const KINDS = {
  active: {},
  inactive: { is_active: 0 },
  expired: { expires_at: 1 },
  fromElsewhere: { allowed_ips: '192.0.2.1' },
  undeclared: { is_active: 0, source: 'config', scopes: 'gateway:use', prefix: null, hash: '' },
} as const;

export type KeysByKind = Readonly<Record<keyof typeof KINDS, readonly string[]>>;

/** Keys of the file of a gateway may be short. */
const shortKey = () => RawKey(randomBytes(8).toString('hex'));

/** Makes keys that the database has. It takes no bcrypt, which no request here needs. */
export async function insertKeys(
  env: Record<string, string>,
  count: number,
  kind: keyof typeof KINDS,
): Promise<string[]> {
  const storage = await openStorage(parseConfig(env), createLogger('silent', { write: () => undefined }));
  const fingerprintOf = fingerprinter(storage.pepper);
  const keys = Array.from({ length: count }, kind === 'undeclared' ? shortKey : () => generateRawKey());
  const rows = keys.map((key) => ({
    label: LABEL,
    hint: hintOf(key),
    fingerprint: fingerprintOf(key),
    hash: HASH,
    is_active: 1,
    created_at: Date.now(),
    last_used_at: null,
    use_count: 0,
    ...KINDS[kind],
  }));
  await transaction(storage.db, async (tx) => {
    for (let first = 0; first < count; first += ROWS_PER_STATEMENT) {
      const some = rows.slice(first, first + ROWS_PER_STATEMENT);
      await tx.insertInto('api_keys').values(some).execute();
    }
  });
  await storage.close();
  return keys;
}

/** Pairs of kinds whose answers must take the same time. */
export function pairsOf(samples: number, keys: KeysByKind): Pair[] {
  const { active, inactive, expired, fromElsewhere, undeclared } = keys;
  const unknown = () => Array.from({ length: samples }, () => String(generateRawKey()));
  const shortUnknown = () => Array.from({ length: samples }, () => String(shortKey()));
  const repeat = (keys: readonly string[]) =>
    Array.from({ length: samples }, (_, i) => keys[i % REPEATED_KEYS] ?? '');
  const kind = (keys: readonly string[]): Kind => ({ keys, times: [] });
  return [
    {
      name: 'inactive / unknown',
      ones: kind(inactive.slice(REPEATED_KEYS)),
      others: kind(unknown()),
    },
    {
      name: 'inactive / unknown, sent repeatedly',
      ones: kind(repeat(inactive)),
      others: kind(repeat(unknown())),
    },
    { name: 'expired / unknown', ones: kind(expired.slice(REPEATED_KEYS)), others: kind(unknown()) },
    {
      name: 'expired / unknown, sent repeatedly',
      ones: kind(repeat(expired)),
      others: kind(repeat(unknown())),
    },
    {
      name: 'from an address that is not allowed / unknown',
      ones: kind(fromElsewhere.slice(REPEATED_KEYS)),
      others: kind(unknown()),
    },
    {
      name: 'from an address that is not allowed / unknown, sent repeatedly',
      ones: kind(repeat(fromElsewhere)),
      others: kind(repeat(unknown())),
    },
    {
      name: 'no longer declared / unknown, both short',
      ones: kind(undeclared.slice(REPEATED_KEYS)),
      others: kind(shortUnknown()),
    },
    {
      name: 'no longer declared / unknown, both short, sent repeatedly',
      ones: kind(repeat(undeclared)),
      others: kind(repeat(shortUnknown())),
    },
    { name: 'near miss / unknown', ones: kind(active.map(nearMissOf)), others: kind(unknown()) },
    {
      name: 'near miss / unknown, both with a wrong checksum',
      ones: kind(active.map(changeDigit)),
      others: kind(unknown().map(changeDigit)),
    },
  ];
}

/** A key with one random digit changed. */
function changeDigit(key: string): string {
  const place = PREFIX_LENGTH + randomInt(key.length - PREFIX_LENGTH - CHECKSUM_LENGTH);
  return key.slice(0, place) + (key[place] === 'a' ? 'b' : 'a') + key.slice(place + 1);
}

/** The same with the checksum that fits, so that only the database can tell. */
function nearMissOf(key: string): string {
  const body = changeDigit(key).slice(0, -CHECKSUM_LENGTH);
  return body + checksum(body);
}
