import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const MOST_BYTES = 2 ** 30;

/**
 * Where the services of the tests keep their data: in memory, since a disk takes longer to sync a file than the rest of a
 * start takes. What is killed or traced has its data on the disk.
 */
export const PARENT = (() => {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < MOST_BYTES) return tmpdir();
    rmSync(mkdtempSync(join(MEMORY, 'keyhearth-test-')), { recursive: true });
    return MEMORY;
  } catch {
    return tmpdir();
  }
})();
