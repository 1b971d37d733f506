import { LRUCache } from 'lru-cache';
import { lazily } from './lazily.ts';

const MAX_RESULTS = 5_000;

/**
 * Caches the results of a pure function: the 5,000 that were used most recently.
 * @param isCached whether the result for an argument may be kept
 */
export function memoize<Argument extends {}, Result extends {}>(
  work: (argument: Argument) => Result,
  isCached: (argument: Argument) => boolean,
): (argument: Argument) => Result {
  const results = lazily(() => new LRUCache<Argument, Result>({ max: MAX_RESULTS }));
  return (argument) => {
    const known = results().get(argument);
    if (known !== undefined) return known;
    const result = work(argument);
    if (isCached(argument)) results().set(argument, result);
    return result;
  };
}
