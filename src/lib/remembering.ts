const MAX_REMEMBERED = 5_000;

/**
 * A pure function that works nothing out twice. What it remembers is bounded: when that is full, it begins anew. Not a
 * WeakMap: once it has been big, the garbage collector walks through all of it for as long as the process lives.
 * @param nameOf what subjects with the same result have in common; each by itself unless told otherwise
 */
export function remembering<K, V extends object>(
  work: (subject: K) => V,
  nameOf: (subject: K) => unknown = (subject) => subject,
): (subject: K) => V {
  const results = new Map<unknown, V>();
  return (subject) => {
    const name = nameOf(subject);
    const known = results.get(name);
    if (known) return known;
    const result = work(subject);
    if (results.size >= MAX_REMEMBERED) results.clear();
    results.set(name, result);
    return result;
  };
}
