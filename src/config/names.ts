import { StartupError } from '../lib/startup-error.ts';

const PREFIX = 'KEYHEARTH_';
/** Kubernetes sets this variable when a Service has the name `keyhearth`. */
const OF_KUBERNETES = 'KEYHEARTH_PORT';

/**
 * Finds the variables with our prefix that are not settings. They have no effect, and may belong to another program.
 * @param known the names of all settings
 * @throws StartupError for a name that differs from a setting by one typing error or by the prefix
 */
export function unknownNames(names: readonly string[], known: readonly string[]): string[] {
  const unknown = names.filter((name) => name.startsWith(PREFIX) && !known.includes(name));
  for (const name of unknown) {
    const meant = known.find((setting) => isOneEditAway(name, setting) || isOnlyPrefixed(name, setting));
    if (meant)
      throw new StartupError(`${name} is not a setting, but ${meant} is; correct the name or remove it.`);
  }
  return unknown;
}

const isOnlyPrefixed = (name: string, setting: string) =>
  name === `${PREFIX}${setting}` && name !== OF_KUBERNETES;

/** Whether the names differ by one character (added, missing or wrong) or by two swapped neighbours. */
function isOneEditAway(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  if (short.length !== long.length) return short.slice(start) === long.slice(start + 1);
  const swapped = `${long[start + 1]}${long[start]}${long.slice(start + 2)}`;
  return short.slice(start + 1) === long.slice(start + 1) || short.slice(start) === swapped;
}
