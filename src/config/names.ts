import { StartupError } from '../lib/startup-error.ts';

const PREFIX = 'KEYHEARTH_';
/** Kubernetes sets this variable to `tcp://10.0.0.1:8800` when a Service has the name `keyhearth`. */
const OF_KUBERNETES = 'KEYHEARTH_PORT';
/** More typing errors make another word. */
const MAX_DISTANCE = 3;

/** What the command line reads. A shell that has them may start the service too. */
export const commandVariables = ['KEYHEARTH_URL', 'KEYHEARTH_KEY', 'KEYHEARTH_PROFILE'];

/** A variable with our prefix that is no setting, and the setting with the most similar name. */
export type UnknownName = Readonly<{ name: string; similar: string | undefined }>;

export const describeUnknown = ({ name, similar }: UnknownName): string =>
  similar === undefined ? name : `${name} (did you mean ${similar}?)`;

/**
 * Finds the variables with our prefix that are not settings. They have no effect, and may belong to another program.
 * @param known the names of all settings
 * @throws StartupError for a name that differs from a setting by one typing error or by the prefix
 */
export function unknownNames(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): UnknownName[] {
  const unknown = Object.entries(environment).filter(
    ([name]) => name.startsWith(PREFIX) && !known.includes(name) && !commandVariables.includes(name),
  );
  return unknown.map(([name, value = '']) => {
    const isOfKubernetes = name === OF_KUBERNETES && !/^\d+$/.test(value);
    const meant = known.find(
      (setting) => isOneEditAway(name, setting) || (name === `${PREFIX}${setting}` && !isOfKubernetes),
    );
    if (meant)
      throw new StartupError(`${name} is not a setting, but ${meant} is; correct the name or remove it.`);
    return { name, similar: similarTo(name, known) };
  });
}

/** Whether the names differ by one character (added, missing or wrong) or by two swapped neighbours. */
function isOneEditAway(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  if (short.length !== long.length) return short.slice(start) === long.slice(start + 1);
  const swapped = `${long[start + 1]}${long[start]}${long.slice(start + 2)}`;
  return short.slice(start + 1) === long.slice(start + 1) || short.slice(start) === swapped;
}

/** The setting with our prefix that has few typing errors, or else one that is longer or shorter. */
function similarTo(name: string, known: readonly string[]): string | undefined {
  const ours = known.filter((setting) => setting.startsWith(PREFIX));
  const [closest] = ours
    .map((setting) => ({ setting, distance: distanceOf(name, setting) }))
    .filter(({ distance }) => distance <= MAX_DISTANCE)
    .sort((a, b) => a.distance - b.distance);
  const isPart = (setting: string) => name.startsWith(setting) || setting.startsWith(name);
  return closest?.setting ?? (name === PREFIX ? undefined : ours.find(isPart));
}

/** How many characters to add, remove or replace (Levenshtein). */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, j) => j);
  for (const [i, character] of [...one].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + (character === other[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}
