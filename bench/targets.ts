import type { ClusterFigures } from './cluster/figures.ts';
import type { Counts } from './counts.ts';
import type { GatewayFigures } from './gateway.ts';
import type { ReloadFigures } from './gateway-reload.ts';
import type { Lines } from './lines.ts';
import type { ListingFigures } from './listing.ts';
import { perSecond, type Results } from './rounds.ts';
import { medianRatio, ratios } from './statistics.ts';
import { coresNeeded, hasRoomForWorkers, workersOn } from './workers.ts';

/** What was promised, and what was reached. */
export type Target = {
  what: string;
  unit: '×' | 'MB' | 's' | 'ms' | 'of all' | 'lines';
  /** Not measured on a machine that has fewer cores than it takes. */
  reached: number | { needsCores: number };
  limit: { atLeast: number } | { atMost: number };
  /** Not promised, but worked for. */
  aim?: number;
};

export type SingleFigures = {
  counts: Counts;
  memoryOneMb: number;
  memoryMillionMb: number;
  startMs: number;
  creation: number;
  p99UnderLockMs: number;
  listing: ListingFigures;
  cluster: ClusterFigures;
  gateway: GatewayFigures;
  reload: ReloadFigures;
  lines: Lines;
};

/** One scenario beside another. */
type Comparison = { what: string; one: string; other: string; atLeast: number; aim?: number };

const AFTER_BEFORE = { what: 'verify, after ÷ before', one: 'verify', other: 'before', atLeast: 0.97 };

const CORE: readonly Comparison[] = [
  { what: 'verify, 1 worker ÷ bare Hono route', one: 'verify', other: 'hono', atLeast: 0.85, aim: 0.95 },
  { what: 'verify, 1,000,000 keys ÷ 1 key', one: 'million', other: 'verify', atLeast: 0.95 },
  { what: 'verify with a scope and addresses ÷ plain key', one: 'scoped', other: 'verify', atLeast: 0.9 },
  { what: 'verify with two limits ÷ plain key', one: 'limited', other: 'verify', atLeast: 0.6 },
  { what: 'verify, unknown key ÷ known key', one: 'unknown', other: 'verify', atLeast: 0.9 },
  { what: 'verify, locked-out address ÷ known key', one: 'locked', other: 'verify', atLeast: 0.9 },
];

const OTHERS: readonly Comparison[] = [
  { what: 'verify ÷ better-auth', one: 'verify', other: 'betterAuth', atLeast: 25 },
  {
    what: 'verify with two limits ÷ without, on PostgreSQL',
    one: 'postgresLimited',
    other: 'postgres',
    atLeast: 0.4,
  },
  { what: 'verify on PostgreSQL ÷ bare `pg` loop', one: 'postgres', other: 'postgresLoop', atLeast: 0.7 },
  {
    what: 'verify on PostgreSQL, cached ÷ verify on SQLite',
    one: 'postgresCached',
    other: 'verify',
    atLeast: 0.9,
  },
  {
    what: '`apiKeys.list` by tRPC ÷ `GET /auth/keys`, 100 keys',
    one: 'trpcList',
    other: 'list',
    atLeast: 0.5,
  },
];

/** Those of the first group; another state of Keyhearth is among them if it was measured. */
export const coreComparisons = (results: Results): readonly Comparison[] =>
  results.some((pass) => pass.has('before')) ? [AFTER_BEFORE, ...CORE] : CORE;

const workersComparison = (workers: number): Comparison => ({
  what: `verify, ${workers} workers ÷ 1 worker`,
  one: 'several',
  other: 'verify64',
  atLeast: 0.85 * workers,
});

/** One for each pass. */
export const ratiosOf = (results: Results, { one, other }: Comparison): number[] =>
  ratios(perSecond(results, one), perSecond(results, other));

export const ratioTarget = (results: Results, comparison: Comparison): Target => ({
  ...termsOf(comparison),
  reached: medianRatio(perSecond(results, comparison.one), perSecond(results, comparison.other)),
});

const termsOf = ({ what, atLeast, aim }: Comparison) => ({
  what,
  unit: '×' as const,
  limit: { atLeast },
  ...(aim !== undefined && { aim }),
});

/** @param cores of the machine on which it was measured */
export function targets(results: Results, single: SingleFigures, cores: number): Target[] {
  const measured = (comparison: Comparison) => ratioTarget(results, comparison);
  return [
    ...coreComparisons(results).map(measured),
    workersTarget(results, cores),
    ...OTHERS.map(measured),
    ...singleTargets(single),
    ...clusterTargets(single),
    ...gatewayTargets(single),
    ...lineTargets(single.lines),
  ];
}

function workersTarget(results: Results, cores: number): Target {
  const comparison = workersComparison(workersOn(cores));
  if (hasRoomForWorkers(cores)) return ratioTarget(results, comparison);
  return { ...termsOf(comparison), reached: { needsCores: coresNeeded(cores) } };
}

const atLeast = (what: string, reached: number, least: number): Target => ({
  what,
  unit: '×',
  reached,
  limit: { atLeast: least },
});

const atMost = (what: string, unit: Target['unit'], reached: number, most: number): Target => ({
  what,
  unit,
  reached,
  limit: { atMost: most },
});

const singleTargets = ({
  memoryMillionMb,
  memoryOneMb,
  startMs,
  creation,
  p99UnderLockMs,
  listing,
}: SingleFigures): Target[] => [
  atLeast('`POST /auth/keys` with every setting ÷ with none', creation, 0.9),
  atMost('memory at rest, 1,000,000 keys − 1 key', 'MB', memoryMillionMb - memoryOneMb, 50),
  atMost('start to first 200 with 1,000,000 keys', 's', startMs / 1_000, 0.5),
  atMost('verify, p99 while another process holds the write lock', 'ms', p99UnderLockMs, 20),
  atMost('a page of 1,000,000 keys: one filter or one sort, the slowest', 'ms', listing.singleMs, 10),
  atMost('the same: combinations and parts of a text', 'ms', listing.combinedMs, 200),
  atMost('PostgreSQL: one filter or one sort, the slowest', 'ms', listing.postgres.singleMs, 10),
  atMost('PostgreSQL: combinations and parts of a text', 'ms', listing.postgres.combinedMs, 200),
  atMost('1,000,000 keys of the first release migrated, and first 200', 's', listing.migrationMs / 1_000, 10),
];

function clusterTargets({ cluster, counts }: SingleFigures): Target[] {
  const { cacheOff, healthy, terminated, stopped, replicas, database } = cluster;
  const { revocations, revocationsCached, revocationsDeaf } = counts;
  const cached = (count: number) => `${count} revocations, cached`;
  return [
    atMost(
      `${revocations.toLocaleString('en')} revocations: later requests to other replicas that got status 200`,
      'of all',
      cacheOff.passed,
      0,
    ),
    atMost(
      `${cached(revocationsCached)}: time to the start of the last request that got status 200`,
      'ms',
      healthy.latestMs,
      1_000,
    ),
    atMost(
      `${cached(revocationsDeaf)}, while listeners are ended: the same`,
      'ms',
      terminated.latestMs,
      2_000,
    ),
    atMost(
      `${cached(revocationsDeaf)}, while listeners are suspended: the same`,
      'ms',
      stopped.latestMs,
      2_000,
    ),
    atMost(`acknowledged keys lost, ${replicas.kills} × kill -9 of a replica`, 'of all', replicas.lost, 0),
    atMost(`acknowledged keys lost, ${database.kills} × kill -9 of PostgreSQL`, 'of all', database.lost, 0),
  ];
}

const gatewayTargets = ({ gateway, reload }: SingleFigures): Target[] => [
  ...(gateway.toNginx === undefined
    ? []
    : [atLeast('gateway ÷ nginx `auth_request` + Keyhearth, to the same upstream', gateway.toNginx, 0.5)]),
  atLeast('gateway ÷ the same proxying without authentication', gateway.toBareProxy, 0.8),
  atMost('gateway: first byte of a stream, added, p99 at 100 streams', 'ms', gateway.addedFirstByteMs, 5),
  atMost('gateway: memory of 1,000 streams and 1,000 WebSockets', 'MB', gateway.memoryMb, 150),
  atMost('gateway: requests failed in reloads with 10,000 declared keys', 'of all', reload.failed, 0),
];

const lineTargets = (lines: Lines): Target[] => [
  atMost('median lines of a file in src', 'lines', lines.median, 70),
  atMost('longest file in src', 'lines', lines.longest, 250),
];

export function isMet({ reached, limit }: Target): boolean {
  if (typeof reached === 'object') return false;
  return 'atLeast' in limit ? reached >= limit.atLeast : reached <= limit.atMost;
}

/** Rounds away from the target, so that a figure that just misses it does not look as if it met it. */
export function targetRow(target: Target): [string, string, string, string] {
  const { what, unit, reached, limit, aim } = target;
  const isFloor = 'atLeast' in limit;
  const bound = isFloor ? `≥ ${shown(limit.atLeast)}` : `≤ ${shown(limit.atMost)}`;
  const aimed = aim === undefined ? '' : ` (aim ${shown(aim)})`;
  const promised = `${bound} ${unit}${aimed}`;
  if (typeof reached === 'object')
    return [what, promised, 'not measured', `needs ${reached.needsCores} cores`];
  const round = isFloor ? Math.floor : Math.ceil;
  return [what, promised, `${shown(reached, round)} ${unit}`, isMet(target) ? 'yes' : 'no'];
}

function shown(value: number, round = Math.round): string {
  const scale = Math.abs(value) >= 100 ? 1 : 100;
  return String(round(value * scale) / scale);
}
