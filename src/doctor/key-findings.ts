import { isLoopbackHost } from '../lib/loopback.ts';
import { type Finding, found } from './finding.ts';
import type { KeyState, Observation } from './observation.ts';

const CLOCK_TOLERANCE_MS = 5 * 60_000;

export function* ofKeys(seen: Observation, keys: KeyState): Generator<Finding> {
  const { now, host, hasBootstrapToken } = seen;
  const { isClaimed, isBehind, newestAt, neverExpire, withoutFingerprint, withoutHash, firstKeyWeakness } =
    keys;
  if (newestAt > now + CLOCK_TOLERANCE_MS)
    yield found(
      'error',
      'clock',
      `The clock says ${new Date(now).toISOString()}, but a key was used or made at ${new Date(newestAt).toISOString()}.`,
      'Set the clock. While it is slow, keys expire too late.',
    );
  if (isBehind)
    yield found(
      'info',
      'schema',
      'The schema of the database is older than this version.',
      'The next start brings it up to date. Make a backup before that.',
    );
  if (!isClaimed && !hasBootstrapToken && host !== undefined && !isLoopbackHost(host))
    yield found(
      'error',
      'bootstrap',
      `Nobody has registered the first key, and anybody who reaches ${host} can do so.`,
      'Register it now, or set KEYHEARTH_BOOTSTRAP_TOKEN.',
    );
  if (firstKeyWeakness !== undefined)
    yield found(
      'error',
      'weak_key',
      `Anybody can guess the first key: its beginning is ${firstKeyWeakness}.`,
      'Rotate it with: keyhearth keys rotate',
    );
  if (neverExpire > 1)
    yield found(
      'info',
      'no_expiry',
      `Active keys that never expire: ${neverExpire}.`,
      'Give keys an expiry where you can: keyhearth keys update --help. Keep one managing key without, so that you always have one.',
    );
  if (withoutFingerprint > 0)
    yield found(
      'info',
      'no_fingerprint',
      `Active keys without a fingerprint: ${withoutFingerprint}.`,
      'Each gets one at its next use. Delete those that nobody uses, since unknown keys must be compared with all of them.',
    );
  if (withoutHash > 0)
    yield found(
      'info',
      'no_hash',
      `Active imported keys without a bcrypt hash: ${withoutHash}.`,
      'Each gets one at its next use. Until then, it would be lost with the pepper. Back the pepper up: see docs/backup.md.',
    );
  yield* ofPepperChange(seen, keys);
}

function* ofPepperChange({ pepperChange }: Observation, { unmoved }: KeyState): Generator<Finding> {
  if (unmoved === undefined) return;
  const keys = `Keys that nobody has used since the pepper changed: ${unmoved}.`;
  if (pepperChange === 'none' && unmoved > 0)
    yield found(
      'warning',
      'previous_pepper',
      `${keys} KEYHEARTH_PEPPER_PREVIOUS is not set here. Without it, Keyhearth refuses them.`,
      'Run doctor with the variables of the service. If the service lacks it too, set it again until they are used, or delete these keys. See docs/change-pepper.md.',
    );
  if (pepperChange === 'begun' && unmoved > 0)
    yield found(
      'info',
      'previous_pepper',
      `${keys} They need the previous pepper.`,
      'Each moves at its next use. Keep KEYHEARTH_PEPPER_PREVIOUS until then, or rotate or delete these keys.',
    );
  if (pepperChange === 'begun' && unmoved === 0)
    yield found(
      'info',
      'previous_pepper',
      'All keys work with the present pepper.',
      'If the change of the pepper is over on all replicas, remove KEYHEARTH_PEPPER_PREVIOUS and restart Keyhearth.',
    );
}
