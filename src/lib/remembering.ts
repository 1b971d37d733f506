const MAX_REMEMBERED = 5_000;

/**
 * A pure function that works nothing out twice. What it remembers is bounded: when that is full, it begins anew. Not a
 * WeakMap: once it has been big, the garbage collector walks through all of it for as long as the process lives.
 */
export function remembering<K, V extends object>(work: (subject: K) => V): (subject: K) => V {
  const results = new Map<K, V>();
  return (subject) => {
    const known = results.get(subject);
    if (known) return known;
    const result = work(subject);
    if (results.size >= MAX_REMEMBERED) results.clear();
    results.set(subject, result);
    return result;
  };
}
