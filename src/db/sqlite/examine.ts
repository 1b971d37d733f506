import { type FileFacts, readFacts, withFile } from './whole-file.ts';

/** The state of a database that others may use at the same time. */
export type Examination = FileFacts & {
  /** The newest time that a row has, in milliseconds since 1970. */
  newestAt: number;
  /** Active keys that do not expire. */
  neverExpire: number;
  /** Active keys without a fingerprint. Those of a gateway have no hash, and get theirs from its file. */
  withoutFingerprint: number;
  /** The hint of the key that the first registration made; undefined when it is gone or inactive. */
  firstKeyHint: string | undefined;
};

/** Reads a database, checks each page of it, and changes nothing. */
export const examineFile = (path: string): Examination =>
  withFile<Examination>(
    path,
    (sqlite) => {
      sqlite.pragma('query_only = ON');
      const facts = readFacts(sqlite);
      if (facts.damage !== undefined || !facts.migrations.some((name) => name.startsWith('0004')))
        return { ...facts, ...NO_KEYS };
      const one = <Value>(sql: string) => sqlite.prepare(sql).pluck().get() as Value;
      const active = (condition: string) =>
        one<number>(`select count(*) from api_keys where is_active = 1 and is_expired = 0 and ${condition}`);
      return {
        ...facts,
        newestAt:
          one<number | null>('select max(max(created_at), max(coalesce(last_used_at, 0))) from api_keys') ??
          0,
        neverExpire: active('expires_at is null'),
        withoutFingerprint: active("fingerprint is null and hash <> ''"),
        firstKeyHint: one<string | undefined>(
          "select hint from api_keys where is_active = 1 and source = 'registered' limit 1",
        ),
      };
    },
    (damage) => ({
      damage,
      isOurs: false,
      identity: undefined,
      migrations: [],
      isClaimed: false,
      ...NO_KEYS,
    }),
  );

const NO_KEYS = { newestAt: 0, neverExpire: 0, withoutFingerprint: 0, firstKeyHint: undefined };
