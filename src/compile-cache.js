import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs';
import { enableCompileCache, constants as moduleConstants } from 'node:module';
import { join } from 'node:path';

const MODULES = join(import.meta.dirname, '../node_modules');
/** Not below `.cache`, which other tools make: who can write there could put another folder in the place of this one. */
const FOLDER = join(MODULES, '.keyhearth-cache');
const WRITABLE_BY_OTHERS = 0o022;
const OPEN_TO_OTHERS = 0o077;

/**
 * Keeps what Node compiles of the program and its packages, so that the next start is faster. Node runs what it finds in
 * this folder, so only those who can change the packages themselves may write there.
 * See docs/decisions/start-time.md.
 */
export function keepCompiledCode() {
  // The operator has chosen a folder, or none.
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return;
  try {
    if (!isTrustworthy()) return;
    const { status } = enableCompileCache(FOLDER);
    // The threads of the service take it from here.
    if (status === moduleConstants.compileCacheStatus.ENABLED) process.env.NODE_COMPILE_CACHE = FOLDER;
  } catch {
    // It starts without.
  }
}

/** Makes the folder if that is missing. A user who does not own the packages reads it at most, and leaves no file in it. */
function isTrustworthy() {
  const { uid, mode } = statSync(MODULES);
  if ((mode & WRITABLE_BY_OTHERS) !== 0) return false;
  const isOwner = uid === process.getuid();
  if (isOwner) mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  const folder = lstatSync(FOLDER);
  if (!folder.isDirectory() || folder.uid !== uid) return false;
  // What Node makes in this folder has the access that the umask of this process allows.
  return isOwner
    ? (folder.mode & OPEN_TO_OTHERS) === 0
    : (folder.mode & WRITABLE_BY_OTHERS) === 0 && !isWritable(FOLDER);
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
