import { HASH } from './seed.ts';

/** A million keys for the list: as in use, and as bad as it can be for an index. */

export type Distribution = 'usual' | 'worst';

const DAY_MS = 86_400_000;

/** In the SQL of both engines. `n` is the number of the key. Multiplication by a prime spreads a value over all keys. */
const columnsOf = (count: number, now: number): Readonly<Record<Distribution, Record<string, string>>> => ({
  usual: {
    label: "'service-' || (n * 7919 % 1000003)",
    owner: "'team-' || (n % 5000) || '@example.com'",
    prefix: "case when n % 1000 = 0 then 'acme' else 'kh' end",
    scopes:
      "case when n % 5 = 0 then '*' when n % 1000 = 1 then 'rare:read' else 'invoices:read invoices:write' end",
    source: "case when n % 20 = 0 then 'imported' else 'created' end",
    is_active: 'case when n % 50 = 0 then 0 else 1 end',
    is_expired: 'case when n % 10 = 1 then 1 else 0 end',
    expires_at: `case when n % 10 = 1 then ${now} - n when n % 10 < 6 then ${now + DAY_MS} + n end`,
    created_at: `${now} - 1000 * (${count} - n)`,
    last_used_at: `case when n % 3 > 0 then ${now} - n * 7919 % 1000003 end`,
  },
  // What a filter asks for lies at the far end, and most keys have the same time.
  worst: {
    label: "case when n = 2 then 'needle' else 'service-' || (n * 7919 % 1000003) end",
    owner: "'team-' || (n % 5000) || '@example.com'",
    prefix: "case when n < 5 then 'acme' else 'kh' end",
    scopes:
      "case when n < 5 then 'rare:read' when n < 500000 then '*' else 'invoices:read invoices:write' end",
    source: "case when n < 5 then 'imported' else 'created' end",
    is_active: 'case when n = 3 then 0 else 1 end',
    is_expired: 'case when n < 500000 then 1 else 0 end',
    expires_at: `case when n < 500000 then ${now - DAY_MS} end`,
    created_at: `${now - 1_000}`,
    last_used_at: `case when n > 500000 then ${now - 5} end`,
  },
});

/** A statement that adds the keys. `numbers`: a query of the numbers from 1 to `count`, in a column `n`. */
export function insertKeys(distribution: Distribution, count: number, now: number, numbers: string): string {
  const columns = columnsOf(count, now)[distribution];
  return `insert into api_keys (id, hint, fingerprint, hash, use_count, ${Object.keys(columns).join()})
    select n, 'kh_abcdefghi', '${'f'.repeat(36)}' || (n * 7919 % 1000003), '${HASH}', 0, ${Object.values(columns).join()}
    from (${numbers}) as numbers`;
}
