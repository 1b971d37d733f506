/** Of many files, the log names the first ones. */
const MOST_NAMED = 10;

/** A sentence about the files of `auth-dir` that are not used; empty when there are none. */
export function describeUnused(unused: ReadonlyMap<string, string>): string {
  if (unused.size === 0) return '';
  const named = [...unused].slice(0, MOST_NAMED).map(([name, reason]) => `${name}: ${reason}`);
  const more = unused.size > MOST_NAMED ? `; and ${unused.size - MOST_NAMED} more` : '';
  return `auth-dir has files that are not used: ${named.join('; ')}${more}`;
}
