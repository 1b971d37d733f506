import SqliteDatabase from 'better-sqlite3';

/** Two databases of a million keys for the list: as in use, and as bad as it can be for an index. */

export type Distribution = 'usual' | 'worst';

const DAY_MS = 86_400_000;

/** Made of the number `n` of the key. Multiplication by a prime spreads a value over all keys. */
const columns: Readonly<Record<Distribution, Record<string, string>>> = {
  usual: {
    label: "'service-' || (n * 7919 % 1000003)",
    owner: "'team-' || (n % 5000) || '@example.com'",
    prefix: "case when n % 1000 = 0 then 'acme' else 'kh' end",
    scopes:
      "case when n % 5 = 0 then '*' when n % 1000 = 1 then 'rare:read' else 'invoices:read invoices:write' end",
    source: "case when n % 20 = 0 then 'imported' else 'created' end",
    is_active: 'n % 50 <> 0',
    is_expired: 'n % 10 = 1',
    expires_at: `case when n % 10 = 1 then :now - n when n % 10 < 6 then :now + ${DAY_MS} + n end`,
    created_at: ':now - 1000 * (:count - n)',
    last_used_at: 'case when n % 3 > 0 then :now - n * 7919 % 1000003 end',
  },
  // What a filter asks for lies at the far end, and most keys have the same time.
  worst: {
    label: "case when n = 2 then 'needle' else 'service-' || (n * 7919 % 1000003) end",
    owner: "'team-' || (n % 5000) || '@example.com'",
    prefix: "case when n < 5 then 'acme' else 'kh' end",
    scopes:
      "case when n < 5 then 'rare:read' when n < 500000 then '*' else 'invoices:read invoices:write' end",
    source: "case when n < 5 then 'imported' else 'created' end",
    is_active: 'n <> 3',
    is_expired: 'n < 500000',
    expires_at: `case when n < 500000 then :now - ${DAY_MS} end`,
    created_at: ':now - 1000',
    last_used_at: 'case when n > 500000 then :now - 5 end',
  },
};

/** Adds the keys to a database whose tables exist. */
export function fillForList(path: string, distribution: Distribution, count: number, now: number): void {
  const sqlite = new SqliteDatabase(path);
  const values = columns[distribution];
  try {
    sqlite.pragma('synchronous = OFF');
    sqlite
      .prepare(
        `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < :count)
        insert into api_keys (id, hint, fingerprint, hash, ${Object.keys(values).join()})
        select n, 'kh_abcdefghi', printf('%043d', n * 7919 % 1000003), printf('%060d', n), ${Object.values(values).join()}
        from numbers`,
      )
      .run({ count, now });
    sqlite.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    sqlite.close();
  }
}
