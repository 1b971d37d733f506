import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Outcome, openConnection } from './connection.ts';

/**
 * `open`: so many requests a second, whether or not the earlier ones were answered, up to 400 at once. `closed`: each of 16 clients asks
 * again when it has its answer. `kept`: a connection is used again until an answer says that it is the last.
 */
export type Load = Readonly<{ loop: 'open' | 'closed'; connections: 'kept' | 'fresh'; perSecond: number }>;

export type Traffic = {
  answered: number;
  /** What became of each request that was lost. */
  lost: string[];
  /** Resolves when the port is closed, and the fate of all requests is known. */
  done: Promise<unknown>;
};

const CLIENTS = 16;
/** A machine that is busy with other things must not gather thousands of them. They would outlast any stop. */
const MAX_UNANSWERED = 400;
/** Of several workers, the last one may still listen. */
const REFUSALS_OF_A_CLOSED_PORT = 20;

/** Sends requests to a port of this machine until it is closed. Any answer but 200 counts as lost. */
export function startTraffic(port: number, request: string, { loop, connections, perSecond }: Load): Traffic {
  const kept: ReturnType<typeof openConnection>[] = [];
  let refusals = 0;
  const isClosed = () => refusals >= REFUSALS_OF_A_CLOSED_PORT;
  const traffic: Traffic = { answered: 0, lost: [], done: Promise.resolve() };

  async function takeConnection() {
    // As other clients do, it first takes note of the connections that the other side has closed.
    await nextTurn();
    for (let connection = kept.pop(); connection; connection = kept.pop()) {
      if (connection.isUsable()) return connection;
    }
    return openConnection(port, request);
  }

  function count(outcome: Outcome): void {
    refusals = outcome.is === 'refused' ? refusals + 1 : 0;
    if (outcome.is === 'lost') traffic.lost.push(outcome.reason);
    else if (outcome.is === 'answered' && outcome.status !== 200) traffic.lost.push(`a ${outcome.status}`);
    else if (outcome.is === 'answered') traffic.answered++;
  }

  async function ask(): Promise<void> {
    const connection = await takeConnection();
    count(await connection.ask());
    if (connections === 'kept' && connection.isUsable()) kept.push(connection);
    else connection.close();
  }

  async function askOnTime(): Promise<void> {
    const startedAt = performance.now();
    const unanswered = new Set<Promise<void>>();
    for (let asked = 0; !isClosed(); await sleep(1)) {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      for (; asked < due; asked++) {
        if (unanswered.size >= MAX_UNANSWERED) continue;
        const answer: Promise<void> = ask().finally(() => unanswered.delete(answer));
        unanswered.add(answer);
      }
    }
    await Promise.all(unanswered);
  }

  async function askInTurn(): Promise<void> {
    while (!isClosed()) {
      const next = sleep((1_000 * CLIENTS) / perSecond);
      await ask();
      await next;
    }
  }

  const running = loop === 'open' ? [askOnTime()] : Array.from({ length: CLIENTS }, askInTurn);
  traffic.done = Promise.all(running).then(() => {
    for (const connection of kept) connection.close();
  });
  return traffic;
}
