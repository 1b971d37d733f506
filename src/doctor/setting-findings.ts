import { describeUnknown, type UnknownName } from '../config/names.ts';
import { type Finding, found } from './finding.ts';

/** Variables that have no effect. One that resembles a setting is probably a mistake. */
export function* ofSettings(unknown: readonly UnknownName[]): Generator<Finding> {
  if (unknown.length === 0) return;
  yield found(
    unknown.some(({ similar }) => similar !== undefined) ? 'warning' : 'info',
    'settings',
    `Not a setting of Keyhearth, and ignored: ${unknown.map(describeUnknown).join(', ')}`,
    'Correct the name or remove it. See docs/configuration.md.',
  );
}
