import { releaseLock, sharedLock } from '../lib/shared-lock.ts';
import type { OpenMetricName } from './catalogue.ts';

/** The names of the series that have appeared so far, which threads share. A name never changes its place. */
export type SeriesMemory = Readonly<{
  header: Int32Array<SharedArrayBuffer>;
  texts: Uint8Array<SharedArrayBuffer>;
}>;

/** The limit for all series together. The service has about 150 routes, and few statuses for each. */
export const MAX_SERIES = 2_048;

/** The longest name of a series in UTF-8. */
const TEXT_BYTES = 192;

const SEPARATOR = '\n';

const HOLDER = 0;
const COUNT = 1;

export const allocateSeries = (): SeriesMemory => ({
  header: new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)),
  texts: new Uint8Array(new SharedArrayBuffer(MAX_SERIES * TEXT_BYTES)),
});

/** Frees the lock when the thread that held it has ended. */
export const releaseSeries = ({ header }: SeriesMemory, deadThread: number): void =>
  releaseLock(header, HOLDER, deadThread);

export type Series = Readonly<{ metric: string; labels: readonly string[] }>;

export type SeriesTable = {
  /** The place of a series. A new one takes a place. Undefined when there is none, or when its name is too long. */
  indexOf(metric: OpenMetricName, labels: readonly string[]): number | undefined;
  /** All series, each at its place. */
  list(): readonly Series[];
};

export function openSeries({ header, texts }: SeriesMemory): SeriesTable {
  const exclusively = sharedLock(header, HOLDER);
  const known = new Map<string, number>();
  const listed: Series[] = [];

  /** Reads the names that other threads have added. */
  function catchUp(): void {
    const count = Atomics.load(header, COUNT);
    for (let i = listed.length; i < count; i++) {
      const bytes = Buffer.from(texts.slice(i * TEXT_BYTES, (i + 1) * TEXT_BYTES));
      const text = bytes.subarray(0, bytes.indexOf(0)).toString();
      const [metric = '', ...labels] = text.split(SEPARATOR);
      known.set(text, i);
      listed.push({ metric, labels });
    }
  }

  function add(text: string): number | undefined {
    catchUp();
    const found = known.get(text);
    const bytes = Buffer.from(text);
    if (found !== undefined || listed.length === MAX_SERIES || bytes.length >= TEXT_BYTES) return found;
    texts.set(bytes, listed.length * TEXT_BYTES);
    // Last, so that a thread that dies before it has added nothing.
    Atomics.add(header, COUNT, 1);
    catchUp();
    return known.get(text);
  }

  return {
    indexOf(metric, labels) {
      const text = [metric, ...labels.map(oneLine)].join(SEPARATOR);
      return known.get(text) ?? exclusively(() => add(text));
    },
    list() {
      catchUp();
      return listed;
    },
  };
}

const oneLine = (label: string) => label.replaceAll(/[\0\n]/g, ' ');
