import type { ClusterFigures } from './cluster/figures.ts';
import { perSecond, type Results } from './rounds.ts';
import { WORKERS } from './scenarios.ts';
import { medianRatio } from './statistics.ts';

/** What was promised, and what was reached. */
export type Target = {
  what: string;
  unit: '×' | 'MB' | 's' | 'ms' | 'of all';
  reached: number;
  limit: { atLeast: number } | { atMost: number };
  /** Not promised, but worked for. */
  aim?: number;
};

export type SingleFigures = {
  memoryOneMb: number;
  memoryMillionMb: number;
  startMs: number;
  p99UnderLockMs: number;
  cluster: ClusterFigures;
};

export function targets(results: Results, single: SingleFigures): Target[] {
  const ratio = (what: string, one: string, other: string, atLeast: number): Target => ({
    what,
    unit: '×',
    reached: medianRatio(perSecond(results, one), perSecond(results, other)),
    limit: { atLeast },
  });
  return [
    { ...ratio('verify, 1 worker ÷ bare Hono route', 'verify', 'hono', 0.7), aim: 0.9 },
    ratio('verify, 1,000,000 keys ÷ 1 key', 'million', 'verify', 0.95),
    ratio('verify, unknown key ÷ known key', 'unknown', 'verify', 0.9),
    ratio(`verify, ${WORKERS} workers ÷ 1 worker`, 'several', 'verify64', 0.85 * WORKERS),
    ratio('verify ÷ better-auth', 'verify', 'betterAuth', 25),
    ratio('verify on PostgreSQL ÷ bare `pg` loop', 'postgres', 'postgresLoop', 0.7),
    ratio('verify on PostgreSQL, cached ÷ verify on SQLite', 'postgresCached', 'verify', 0.9),
    {
      what: 'memory at rest, 1,000,000 keys − 1 key',
      unit: 'MB',
      reached: single.memoryMillionMb - single.memoryOneMb,
      limit: { atMost: 50 },
    },
    {
      what: 'start to first 200 with 1,000,000 keys',
      unit: 's',
      reached: single.startMs / 1_000,
      limit: { atMost: 1 },
    },
    {
      what: 'verify, p99 while another process holds the write lock',
      unit: 'ms',
      reached: single.p99UnderLockMs,
      limit: { atMost: 20 },
    },
    ...clusterTargets(single.cluster),
  ];
}

function clusterTargets(cluster: ClusterFigures): Target[] {
  const { cacheOff, healthy, terminated, stopped, replicas, database } = cluster;
  const atMost = (what: string, unit: Target['unit'], reached: number, most: number): Target => ({
    what,
    unit,
    reached,
    limit: { atMost: most },
  });
  return [
    atMost(
      `${cluster.revocations.toLocaleString('en')} revocations: 200s elsewhere to requests begun later`,
      'of all',
      cacheOff.passed,
      0,
    ),
    atMost('the same, cached: the latest', 's', healthy.latestMs / 1_000, 1),
    atMost('the same, cached, listeners terminated', 's', terminated.latestMs / 1_000, 2),
    atMost('the same, cached, listeners stopped', 's', stopped.latestMs / 1_000, 2),
    atMost(`acknowledged keys lost, ${replicas.kills} × kill -9 of a replica`, 'of all', replicas.lost, 0),
    atMost(`acknowledged keys lost, ${database.kills} × kill -9 of PostgreSQL`, 'of all', database.lost, 0),
  ];
}

export const isMet = ({ reached, limit }: Target) =>
  'atLeast' in limit ? reached >= limit.atLeast : reached <= limit.atMost;

/** Rounded away from the target's side, so that what is missed by a hair does not read as if it were met. */
export function targetRow(target: Target): [string, string, string, string] {
  const { what, unit, reached, limit, aim } = target;
  const isFloor = 'atLeast' in limit;
  const bound = isFloor ? `≥ ${shown(limit.atLeast)}` : `≤ ${shown(limit.atMost)}`;
  const aimed = aim === undefined ? '' : ` (aim ${shown(aim)})`;
  const round = isFloor ? Math.floor : Math.ceil;
  return [what, `${bound} ${unit}${aimed}`, `${shown(reached, round)} ${unit}`, isMet(target) ? 'yes' : 'no'];
}

function shown(value: number, round = Math.round): string {
  const scale = Math.abs(value) >= 100 ? 1 : 100;
  return String(round(value * scale) / scale);
}
