import { useEffect, useRef, useState } from 'preact/hooks';

export type Loaded<Value> = Readonly<
  | { state: 'loading'; value?: Value }
  | { state: 'failed'; error: Error; value?: Value }
  | { state: 'ready'; value: Value }
>;

/**
 * Loads a value, and loads it again when one of `by` changes. The earlier value stays until the next one is there, so
 * that the page does not jump. An answer that comes too late is dropped.
 * @returns the state, and a function that loads again
 */
export function useLoad<Value>(
  load: () => Promise<Value>,
  by: readonly unknown[],
): [Loaded<Value>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<Value>>({ state: 'loading' });
  const [round, setRound] = useState(0);
  const latest = useRef(0);
  useEffect(() => {
    const turn = ++latest.current;
    const keep = (next: (before: Loaded<Value>) => Loaded<Value>) => {
      if (latest.current === turn) setLoaded(next);
    };
    keep(
      (before) =>
        ({ state: 'loading', ...('value' in before ? { value: before.value } : {}) }) as Loaded<Value>,
    );
    load().then(
      (value) => keep(() => ({ state: 'ready', value })),
      (error: Error) =>
        keep(
          (before) =>
            ({
              state: 'failed',
              error,
              ...('value' in before ? { value: before.value } : {}),
            }) as Loaded<Value>,
        ),
    );
  }, [...by, round]);
  return [loaded, () => setRound((before) => before + 1)];
}
