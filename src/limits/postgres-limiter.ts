import type { DirectWriter } from '../db/engine.ts';
import { batch } from '../lib/batch.ts';
import type { KeyId } from '../lib/brand.ts';
import { DomainError } from '../lib/failure.ts';
import type { RateLimit } from '../lib/rate-limit.ts';
import { ADD_COUNTERS, type Asked, COUNT, type Counted, DELETE_ENDED } from './counter-statements.ts';
import type { Consumption, Limiter } from './limiter.ts';
import { consume, type Window } from './window.ts';

const CLEAN_EVERY_MS = 60_000;
const ROWS_PER_DELETE = 1_000;
/** A row that was just added can be deleted again, but hardly twice. */
const MAX_TRIES = 5;

type Question = { rootId: KeyId; limits: readonly RateLimit[]; cost: number };

/** Equal questions about one row. One statement answers all of them. */
type Group = Question & { members: number[] };

/** Counts in the database, exactly across all processes that share it. One statement counts many requests. */
export function createPostgresLimiter({ run }: DirectWriter, onError: (error: unknown) => void): Limiter {
  const ask = batch(async (questions: Question[]) => {
    const answers: Consumption[] = [];
    for (const groups of rounds(questions)) {
      const counted = await count([...groups.values()]);
      for (const group of groups.values()) settle(group, counted.get(group.rootId) ?? notCounted(), answers);
    }
    return answers;
  });

  async function count(groups: readonly Group[]): Promise<Map<number, Counted['windows']>> {
    const counted = new Map<number, Counted['windows']>();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const missing = groups.filter(({ rootId }) => !counted.has(rootId));
      if (missing.length === 0) break;
      if (tries > 0) await run(ADD_COUNTERS, [missing.map(({ rootId }) => rootId)]);
      const rows = await run<Counted>(COUNT, [JSON.stringify(missing.map(asked))]);
      for (const { root_id, windows } of rows) counted.set(root_id, windows);
    }
    return counted;
  }

  async function deleteEnded(): Promise<void> {
    try {
      while ((await run(DELETE_ENDED, [ROWS_PER_DELETE])).length === ROWS_PER_DELETE);
    } catch (error) {
      onError(error);
    }
  }

  const timer = setInterval(() => void deleteEnded(), CLEAN_EVERY_MS);
  timer.unref();

  return {
    consume: (rootId, limits, cost) => ask({ rootId, limits, cost }),
    close: async () => clearInterval(timer),
  };
}

/** Each round has one group for each row. The order of the questions about a row stays. */
function rounds(questions: readonly Question[]): Map<KeyId, Group>[] {
  const all: Map<KeyId, Group>[] = [];
  const latest = new Map<KeyId, number>();
  for (const [member, question] of questions.entries()) {
    const { rootId, limits, cost } = question;
    const round = latest.get(rootId) ?? 0;
    const group = all[round]?.get(rootId);
    if (group && group.cost === cost && areSame(group.limits, limits)) {
      group.members.push(member);
      continue;
    }
    const next = group ? round + 1 : round;
    latest.set(rootId, next);
    all[next] ??= new Map();
    all[next].set(rootId, { ...question, members: [member] });
  }
  return all;
}

const areSame = (some: readonly RateLimit[], others: readonly RateLimit[]) =>
  some.length === others.length &&
  some.every(({ name, limit, windowMs }, i) => {
    const other = others[i];
    return name === other?.name && limit === other.limit && windowMs === other.windowMs;
  });

function notCounted(): never {
  throw new DomainError({ code: 'database_busy', reason: 'timeout', retryAfter: 1 });
}

const asked = ({ rootId, limits, cost, members }: Group): Asked => ({
  root_id: rootId,
  requests: members.length,
  cost,
  limits: limits.map(({ name, limit, windowMs }) => ({ name, quota: limit, ms: windowMs })),
});

/** Gives each request of a group its share, by the rules that the statement has used. Time 0 is that of the statement. */
function settle({ limits, cost, members }: Group, counted: Counted['windows'], answers: Consumption[]) {
  let windows: readonly (Window | undefined)[] = counted.map((window) =>
    window ? { openedAt: -window.opened_ago, endsAt: window.ends_in, used: window.used } : undefined,
  );
  for (const member of members) {
    const { windows: next, ...consumption } = consume(limits, windows, cost, 0);
    windows = next;
    answers[member] = consumption;
  }
}
