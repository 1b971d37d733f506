import { useEffect, useRef } from 'preact/hooks';
import { type Guarded, guardLeaving } from './leaving.ts';

/** Asks before the person leaves what is shown once. @returns what ends that: the person has saved it */
export function useGuard(what: Guarded): () => void {
  const release = useRef<() => void>(undefined);
  useEffect(() => {
    release.current = guardLeaving(what);
    return release.current;
  }, []);
  return () => release.current?.();
}
