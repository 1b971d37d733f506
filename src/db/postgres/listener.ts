import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Notification } from 'pg';
import type { Notifier } from '../engine.ts';
import { CHANGE, CHANNEL } from './channel.ts';
import { createFreshness, type Freshness, type Moment } from './freshness.ts';
import { connectAlone } from './session.ts';

const BEAT_EVERY_MS = 500;
const RECONNECT_EVERY_MS = 500;
/** After so many heartbeats, cached rows are dropped in any case. */
const DROP_CACHE_EVERY_BEATS = 10;
const END_MS = 1_000;
/** A connection without a heartbeat for so long is closed. */
const DEAD_AFTER_MS = 5_000;
/** Messages that wait for a connection. The oldest are dropped first. */
const MAX_WAITING = 1_000;

export type Listener = {
  notifier: Notifier;
  epoch: Freshness['epoch'];
  /** Call it when this process has committed a change. */
  changed: Freshness['changed'];
  close(): Promise<void>;
};

type Sender = (kind: 'beat' | 'notice', text: string) => Promise<unknown>;

/**
 * Listens for changes and messages of other processes, on a connection of its own. It connects again when the connection
 * is lost. After a process was suspended, its heartbeats are too old, so it does not use its cache.
 */
export function listen(url: string, databaseId: string): Listener {
  const self = randomUUID();
  const freshness = createFreshness(now);
  const waiting: string[] = [];
  const subscribers: ((message: string) => void)[] = [];
  let send: Sender | undefined;
  let client: Client | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout;

  function receive({ payload = '' }: Notification): void {
    if (payload === CHANGE) freshness.changed();
    const [kind, database, sender, ...rest] = payload.split(' ');
    // All schemas of a PostgreSQL database share the channel, and other schemas can contain another Keyhearth.
    if (database !== databaseId) return;
    if (kind === 'beat' && sender === self) freshness.beat(momentOf(rest));
    if (kind === 'notice' && sender !== self) {
      for (const onMessage of subscribers) onMessage(rest.join(' '));
    }
  }

  /** Sends one message at a time, in their order. */
  function senderOn(connection: Client): Sender {
    let last: Promise<unknown> = Promise.resolve();
    return (kind, text) => {
      const values = [CHANNEL, `${kind} ${databaseId} ${self} ${text}`];
      const sent = last.then(() => connection.query('select pg_notify($1, $2)', values));
      last = sent.catch(() => undefined);
      return sent;
    };
  }

  /** Resolves when the connection is lost. */
  async function listenOnce(): Promise<void> {
    const connection = await connectAlone(url, databaseId);
    client = connection;
    const ended = new Promise<void>((resolve) => connection.once('end', resolve));
    try {
      connection.on('notification', receive);
      // This connection only sends messages, and they need not be durable.
      await connection.query('set synchronous_commit = off');
      await connection.query(`listen ${CHANNEL}`);
      send = senderOn(connection);
      flush();
      await Promise.race([ended, beat(send)]);
    } finally {
      [client, send] = [undefined, undefined];
      freshness.lost();
      connection.removeListener('notification', receive);
      void connection.end().catch(() => undefined);
    }
  }

  /** Rejects when no heartbeat gets through. */
  async function beat(sender: Sender): Promise<void> {
    for (let beats = 1; !isClosed; beats++) {
      // A change may come without a notification, for example when somebody has disabled the trigger.
      if (beats % DROP_CACHE_EVERY_BEATS === 0) freshness.changed();
      const { monotonic, wall } = now();
      await within(DEAD_AFTER_MS, sender('beat', `${monotonic} ${wall}`));
      await pause(BEAT_EVERY_MS);
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });

  async function keepListening(): Promise<void> {
    while (!isClosed) {
      // The first request that fails logs that the database cannot be reached.
      await listenOnce().catch(() => undefined);
      if (!isClosed) await pause(RECONNECT_EVERY_MS);
    }
  }

  function wait(message: string): void {
    waiting.push(message);
    if (waiting.length > MAX_WAITING) waiting.shift();
  }

  function flush(): void {
    if (!send) return;
    for (const message of waiting.splice(0)) send('notice', message).catch(() => wait(message));
  }

  void keepListening();

  return {
    epoch: freshness.epoch,
    changed: freshness.changed,
    notifier: {
      notify(message) {
        wait(message);
        flush();
      },
      subscribe: (onMessage) => void subscribers.push(onMessage),
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      // A server that hangs never closes the connection.
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
  let deadline: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    deadline = setTimeout(() => reject(new Error('no answer')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(deadline));
}
