import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Db } from '../db/tables.ts';
import { KeyId } from '../lib/brand.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Logger } from '../lib/logger.ts';
import {
  type EndingKey,
  LONGEST_NOTICE_MS,
  type Message,
  messageOf,
  messageOfEnding,
  messageOfEvent,
  pauseAfter,
  signedHeaders,
} from './message.ts';
import * as store from './store.ts';

const TICK_MS = 1_000;
const KEYS_EVERY_MS = 300_000;
const AT_ONCE = 100;
const SENT_AT_ONCE = 20;
/** A transaction may commit after a later one, and takes a few seconds at the most. */
const SETTLED_MS = 60_000;
/** The clocks of replicas differ. */
const MARGIN_MS = 60_000;
/** Longer than the longest notice, so that a key gets each message once. */
const KEPT_MS = LONGEST_NOTICE_MS + 2 * 86_400_000;
const TIMEOUT_MS = 10_000;
/** At the end. What closes the database waits for it, and many systems kill a process after 10 seconds. */
const LAST_TIMEOUT_MS = 1_000;
/** Another process repeats what this one has not finished by then. */
const CLAIM_MS = 60_000;
/** There is no message about a shorter outage. */
const OUTAGE_MS = 5_000;

export type WebhookParts = Readonly<{
  url: string;
  secret: Uint8Array;
  db: Db;
  clock: Pick<Clock, 'now'>;
  logger: Logger;
  fetch?: typeof fetch;
}>;

export type Webhooks = Readonly<{
  /** Makes messages of what has happened, and sends what is due. */
  tick(): Promise<void>;
  /** Waits for what is being sent. */
  close(): Promise<void>;
}>;

/**
 * Sends to a URL what happens to keys. Messages are made from the audit log and wait in a table until the receiver has
 * accepted them, so that none is lost and no change waits for one. Several processes share the work.
 */
export function openWebhooks(parts: WebhookParts): Webhooks {
  const { url, secret, db, clock, logger, fetch: send = fetch } = parts;
  let keysAt = 0;
  let running: Promise<void> | undefined;
  const end = new AbortController();
  /** Since when the database is unavailable, and whether the receiver knows it. */
  let outage: { since: number; isReported: boolean } | undefined;

  async function collectEvents(now: number): Promise<void> {
    const position = await store.readPosition(db);
    const events = await store.eventsAfter(db, position, AT_ONCE);
    await store.addMessages(
      db,
      events.flatMap((event) => messageOfEvent(event) ?? []),
      now,
    );
    const settled = await store.lastEventBefore(db, position, now - SETTLED_MS);
    const last = events.length === AT_ONCE ? events.at(-1)?.id : undefined;
    if (settled === undefined) return;
    await store.writePosition(db, last === undefined || last > settled ? settled : last);
  }

  async function collectKeys(now: number): Promise<void> {
    if (now - keysAt < KEYS_EVERY_MS) return;
    const until = now + LONGEST_NOTICE_MS;
    let after: store.EndPosition | undefined = { expires_at: now - LONGEST_NOTICE_MS, id: KeyId(0) };
    while (after && !end.signal.aborted) {
      const keys: EndingKey[] = await store.keysThatEnd(db, after, until, AT_ONCE);
      await store.addMessages(
        db,
        keys.flatMap((key) => messageOfEnding(key, now - MARGIN_MS) ?? []),
        now,
      );
      after = keys.length === AT_ONCE ? keys.at(-1) : undefined;
      // SQLite answers at once, so without this nobody else would be served before the next step.
      await nextTurn();
    }
    await store.forgetSent(db, now - KEPT_MS);
    keysAt = now;
  }

  /** @returns why the receiver did not accept it; undefined when it did */
  async function post(message: Message): Promise<string | undefined> {
    try {
      const { status, body } = await send(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...signedHeaders(message, Math.floor(clock.now() / 1_000), secret),
        },
        body: message.body,
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), end.signal]),
      });
      await body?.cancel();
      return status >= 200 && status < 300 ? undefined : `status ${status}`;
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'no answer in 10 s' : 'no connection';
    }
  }

  async function deliver(message: store.Waiting): Promise<void> {
    if (!(await store.claim(db, message, clock.now() + CLAIM_MS))) return;
    const failure = await post(message);
    if (failure === undefined) {
      await store.markSent(db, message.id, clock.now());
      return;
    }
    const attempts = message.attempts + 1;
    const pause = pauseAfter(attempts);
    logger.warn(
      { webhook: message.id, attempts, next_in_seconds: pause / 1_000 },
      `the receiver of webhooks did not accept an event: ${failure}`,
    );
    await store.postpone(db, message.id, attempts, clock.now() + pause);
  }

  async function reportRecovery(now: number): Promise<void> {
    const { since, isReported } = outage ?? { since: 0, isReported: false };
    if (isReported)
      await store.addMessages(
        db,
        [
          messageOf(`recovered_${since}`, 'database.recovered', now, {
            since: new Date(since).toISOString(),
          }),
        ],
        now,
      );
    outage = undefined;
  }

  async function reportOutage(now: number): Promise<void> {
    outage ??= { since: now, isReported: false };
    const { since, isReported } = outage;
    if (isReported || now - since < OUTAGE_MS) return;
    const data = { since: new Date(since).toISOString() };
    outage.isReported =
      (await post(messageOf(`unavailable_${since}`, 'database.unavailable', since, data))) === undefined;
  }

  async function work(): Promise<void> {
    const now = clock.now();
    try {
      await collectEvents(now);
      await collectKeys(now);
      await reportRecovery(now);
      await Promise.all((await store.due(db, clock.now(), SENT_AT_ONCE)).map(deliver));
    } catch (error) {
      const isOutage = error instanceof DomainError && error.failure.code === 'database_unavailable';
      if (isOutage) await reportOutage(now);
      else logger.warn({ err: error }, 'webhooks could not be sent yet');
    }
  }

  function tick(): Promise<void> {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  }

  // Events from now on become messages, so the position must be known.
  void tick();
  const timer = setInterval(tick, TICK_MS);
  timer.unref();

  return {
    tick,
    async close() {
      clearInterval(timer);
      const patience = setTimeout(() => end.abort(), LAST_TIMEOUT_MS);
      await running;
      clearTimeout(patience);
    },
  };
}
