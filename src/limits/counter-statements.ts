/**
 * The statements that count in PostgreSQL. `window.ts` has the same rules; test/db/postgres/limiter.test.ts compares
 * them.
 */

/** The columns of an answer, one for each row that exists. */
export type Counted = {
  root_id: number;
  /** The windows before the requests, in the order of the limits; null for one that was not open. */
  windows: ({ opened_ago: number; ends_in: number; used: number } | null)[];
};

/** What is asked for one row: so many equal requests. */
export type Asked = {
  root_id: number;
  requests: number;
  cost: number;
  limits: readonly { name: string; quota: number; ms: number }[];
};

/**
 * Lets as many of the requests pass as all windows of their row allow, and counts those. It locks the rows in the order of
 * their ids, and reads the clock of the server when it has the lock: replicas may have different clocks. The commit does
 * not wait for the disk.
 */
export const COUNT = `
  with asked as materialized (
    select root_id, requests, cost, limits
    from (select set_config('synchronous_commit', 'off', true)) as setting,
      jsonb_to_recordset($1::jsonb) as question(root_id bigint, requests bigint, cost bigint, limits jsonb)
  ), locked as materialized (
    select counter.root_id, counter.windows, requests, cost, limits
    from rate_limit_counters as counter join asked using (root_id)
    order by counter.root_id
    for update of counter
  ), timed as materialized (
    select *, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now from locked
  ), stored as materialized (
    select root_id, requests, cost, now, place, name, quota, ms, opened_at, ends_at, used,
      least(opened_at, now) as opened
    from timed
      cross join lateral rows from (jsonb_to_recordset(limits) as (name text, quota bigint, ms bigint))
        with ordinality as lim(name, quota, ms, place)
      left join lateral jsonb_to_record(windows -> name) as win(opened_at bigint, ends_at bigint, used bigint) on true
  ), open as materialized (
    select *, coalesce(ends_at - opened_at + opened > now and opened + ms > now, false) as is_open from stored
  ), passed as materialized (
    select root_id, coalesce(min(least(requests,
        case when cost = 0 then requests
        else greatest(0, (quota - case when is_open then used else 0 end) / cost) end)) * min(cost), 0) as taken
    from open group by root_id
  ), next as materialized (
    select root_id,
      jsonb_object_agg(name, case when is_open or taken > 0 then jsonb_build_object(
        'opened_at', case when is_open then opened else now end,
        'ends_at', case when is_open then opened else now end + ms,
        'used', case when is_open then used else 0 end + taken) end) as windows,
      max(case when is_open then opened else now end + ms) as ends_at,
      jsonb_agg(case when is_open then jsonb_build_object(
        'opened_ago', now - opened, 'ends_in', opened + ms - now, 'used', used) end order by place) as before,
      max(taken) > 0 or bool_or(opened_at > now) as is_changed
    from open join passed using (root_id) group by root_id
  ), written as (
    update rate_limit_counters as counter
    set windows = next.windows || (
          select coalesce(jsonb_object_agg(key, value), '{}') from (
            select key, value from jsonb_each(timed.windows)
            where not next.windows ? key and (value ->> 'ends_at')::bigint > timed.now
            order by (value ->> 'ends_at')::bigint desc limit 16) as others),
      ends_at = greatest(counter.ends_at, next.ends_at)
    from next join timed using (root_id)
    where counter.root_id = next.root_id and next.is_changed
  )
  select root_id, before as windows from next`;

/** Makes the rows that are missing. */
export const ADD_COUNTERS = `
  insert into rate_limit_counters (root_id, windows, ends_at)
  select root_id, '{}', floor(extract(epoch from clock_timestamp()) * 1000)::bigint
  from unnest($1::bigint[]) as missing(root_id) order by root_id
  on conflict do nothing`;

/** Deletes some rows whose windows have ended a minute ago. It skips those that are in use. */
export const DELETE_ENDED = `
  with ended as materialized (
    select root_id from rate_limit_counters
    where ends_at < floor(extract(epoch from clock_timestamp()) * 1000)::bigint - 60000
    order by ends_at limit $1 for update skip locked
  )
  delete from rate_limit_counters as counter using ended where counter.root_id = ended.root_id
  returning counter.root_id`;
