import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Notification } from 'pg';
import type { Bulletin } from '../database.ts';
import { CHANGE, CHANNEL } from './channel.ts';
import { connectAlone } from './connections.ts';
import { createFreshness, type Freshness, type Moment } from './freshness.ts';

const BEAT_EVERY_MS = 500;
const RECONNECT_EVERY_MS = 500;
const FORGET_EVERY_BEATS = 10;
const END_MS = 1_000;
/** Without a heartbeat for so long, the connection is given up. */
const DEAD_AFTER_MS = 5_000;
/** Notices that wait for a connection; older ones leave first. */
const MAX_WAITING = 1_000;

export type Listener = {
  bulletin: Bulletin;
  epoch: Freshness['epoch'];
  /** A change was committed through this process. */
  changed: Freshness['changed'];
  close(): Promise<void>;
};

/**
 * Listens to what is committed and announced by others, on a connection of its own that it makes again whenever it is
 * lost. A process that stands still for a while finds its heartbeats too old, and so needs nobody to tell it.
 */
export function listen(url: string, databaseId: string): Listener {
  const self = randomUUID();
  const freshness = createFreshness(now);
  const waiting: string[] = [];
  const hearers: ((notice: string) => void)[] = [];
  let client: Client | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout;

  function take({ payload = '' }: Notification): void {
    if (payload === CHANGE) freshness.changed();
    const [kind, database, sender, ...rest] = payload.split(' ');
    // The channel is that of the whole server database, in which there may be others like this one, in other schemas.
    if (database !== databaseId) return;
    if (kind === 'beat' && sender === self) freshness.heard(momentOf(rest));
    if (kind === 'notice' && sender !== self) for (const hear of hearers) hear(rest.join(' '));
  }

  const notify = (connection: Client, kind: 'beat' | 'notice', text: string) =>
    connection.query('select pg_notify($1, $2)', [CHANNEL, `${kind} ${databaseId} ${self} ${text}`]);

  /** Resolves when the connection is lost. */
  async function listenOnce(): Promise<void> {
    const connection = await connectAlone(url, databaseId);
    const ended = new Promise<void>((resolve) => connection.once('end', resolve));
    try {
      connection.on('notification', take);
      // Its writes are notices and nothing else; there is nothing to be kept.
      await connection.query('set synchronous_commit = off');
      await connection.query(`listen ${CHANNEL}`);
      client = connection;
      flush();
      await Promise.race([ended, beat(connection)]);
    } finally {
      client = undefined;
      freshness.deaf();
      connection.removeListener('notification', take);
      void connection.end().catch(() => undefined);
    }
  }

  /** Rejects when no heartbeat gets through. */
  async function beat(connection: Client): Promise<void> {
    for (let beats = 1; !isClosed; beats++) {
      // Should the database ever fail to tell of a change, as when somebody has disabled its trigger.
      if (beats % FORGET_EVERY_BEATS === 0) freshness.changed();
      const { monotonic, wall } = now();
      await within(DEAD_AFTER_MS, notify(connection, 'beat', `${monotonic} ${wall}`));
      await pause(BEAT_EVERY_MS);
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });

  async function keepListening(): Promise<void> {
    while (!isClosed) {
      // Whether the database is there at all is told by whoever has a request waiting for it.
      await listenOnce().catch(() => undefined);
      if (!isClosed) await pause(RECONNECT_EVERY_MS);
    }
  }

  function wait(notice: string): void {
    waiting.push(notice);
    if (waiting.length > MAX_WAITING) waiting.shift();
  }

  function flush(): void {
    if (!client) return;
    for (const notice of waiting.splice(0)) {
      notify(client, 'notice', notice).catch(() => wait(notice));
    }
  }

  void keepListening();

  return {
    epoch: freshness.epoch,
    changed: freshness.changed,
    bulletin: {
      announce(notice) {
        wait(notice);
        flush();
      },
      subscribe: (hear) => void hearers.push(hear),
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      // A server that stands still would never say goodbye.
      await Promise.race([client?.end().catch(() => undefined), sleep(END_MS)]);
    },
  };
}

const now = (): Moment => ({ monotonic: performance.now(), wall: Date.now() });

const momentOf = ([monotonic, wall]: string[]): Moment => ({
  monotonic: Number(monotonic),
  wall: Number(wall),
});

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
