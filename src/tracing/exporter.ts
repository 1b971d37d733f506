import type { Logger } from '../lib/logger.ts';
import { product } from '../lib/product.ts';
import { otlpBody, type Span } from './span.ts';

const SEND_EVERY_MS = 2_000;
const AT_ONCE = 512;
/** Further spans are dropped, so that a collector that is away costs no memory. */
const MAX_WAITING = 4_096;
const PATIENCE_MS = 10_000;
/** At the end. What closes the database waits for it, and many systems kill a process after 10 seconds. */
const LAST_PATIENCE_MS = 2_000;

export type Exporter = { add(span: Span): void; close(): Promise<void> };

type Collector = Readonly<{ url: string; headers: Readonly<Record<string, string>>; serviceName: string }>;

/** Sends spans to a collector. What it does not take is lost, and the log says so once. */
export function createExporter({ url, headers, serviceName }: Collector, logger: Logger): Exporter {
  const service = { name: serviceName, version: product.version };
  let waiting: Span[] = [];
  let dropped = 0;
  let isFailing = false;
  let sending: Promise<void> | undefined;
  const end = new AbortController();

  async function send(spans: readonly Span[]): Promise<void> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(otlpBody(spans, service)),
        signal: AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), end.signal]),
        redirect: 'error',
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
      if (isFailing) logger.info('the collector takes traces again');
      isFailing = false;
    } catch (err) {
      if (!isFailing) logger.warn({ err }, 'traces could not be sent, and are lost');
      isFailing = true;
    }
  }

  async function sendWaiting(): Promise<void> {
    if (dropped > 0) logger.warn({ dropped }, 'there were more traces than the collector could take');
    dropped = 0;
    const taken = waiting;
    waiting = [];
    for (let first = 0; first < taken.length && !end.signal.aborted; first += AT_ONCE)
      await send(taken.slice(first, first + AT_ONCE));
  }

  /** One at a time: behind a collector that is slow, others would queue up. */
  function flush(): Promise<void> {
    sending ??= sendWaiting().finally(() => {
      sending = undefined;
    });
    return sending;
  }

  const timer = setInterval(flush, SEND_EVERY_MS).unref();

  return {
    add(span) {
      if (waiting.length < MAX_WAITING) waiting.push(span);
      else dropped++;
    },
    async close() {
      clearInterval(timer);
      const patience = setTimeout(() => end.abort(), LAST_PATIENCE_MS);
      await sending;
      await flush();
      clearTimeout(patience);
    },
  };
}
