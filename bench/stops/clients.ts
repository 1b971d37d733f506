import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, type Outcome, openConnection } from './connection.ts';

/** `open`: a request every millisecond, answered or not. `closed`: each client asks again when it has its answer. */
export type Load = Readonly<{ loop: 'open' | 'closed'; connections: 'kept' | 'fresh' }>;

export type Traffic = {
  /** Resolves when the port is closed, and what was sent has an answer or never gets one. */
  done: Promise<void>;
  answered: number;
  /** What became of the requests that were lost, one for each. */
  lost: string[];
};

const PER_SECOND = Number(process.env.RATE ?? 1000);
const CLIENTS = 16;
/** A port that is closed stays closed: so many refusals in a row, from workers that stop one by one. */
const LAST_REFUSALS = 20;

/** Sends requests to a port of this machine until it refuses connections. Every answer must be a 200. */
export function startTraffic(port: number, request: string, { loop, connections }: Load): Traffic {
  const idle: Connection[] = [];
  let refusals = 0;
  const isClosed = () => refusals >= LAST_REFUSALS;
  const traffic: Traffic = { done: Promise.resolve(), answered: 0, lost: [] };

  function takeConnection(): Connection {
    for (let kept = idle.pop(); kept; kept = idle.pop()) if (kept.isUsable()) return kept;
    return openConnection(port, request);
  }

  function count(outcome: Outcome): void {
    if (outcome.is === 'refused') refusals++;
    else refusals = 0;
    if (outcome.is === 'answered') traffic.answered++;
    if (outcome.is === 'lost') traffic.lost.push(outcome.reason);
    if (outcome.is === 'answered' && outcome.status !== 200) traffic.lost.push(`status ${outcome.status}`);
  }

  async function ask(): Promise<void> {
    const connection = takeConnection();
    const outcome = await connection.ask();
    count(outcome);
    if (connections === 'kept' && connection.isUsable()) idle.push(connection);
    else connection.close();
  }

  async function openLoop(): Promise<void> {
    const startedAt = performance.now();
    const asked: Promise<void>[] = [];
    while (!isClosed()) {
      const due = ((performance.now() - startedAt) / 1_000) * PER_SECOND;
      while (asked.length < due) asked.push(ask());
      await sleep(1);
    }
    await Promise.all(asked);
  }

  async function client(): Promise<void> {
    while (!isClosed()) await ask();
  }

  const running = loop === 'open' ? openLoop() : Promise.all(Array.from({ length: CLIENTS }, client));
  traffic.done = Promise.resolve(running).then(() => {
    for (const connection of idle) connection.close();
  });
  return traffic;
}
