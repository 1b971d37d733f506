import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { writePrivateFileOnce } from '../lib/private-files.ts';
import { readSecretFile } from '../lib/secret-file.ts';
import { StartupError } from '../lib/startup-error.ts';

const PEPPER_BYTES = 32;

/**
 * 32 secret bytes outside of the database. Without them, a thief of the database cannot test guesses against the
 * fingerprints. A key object is never printed by accident.
 */
export type Pepper = KeyObject;

export type PepperSource =
  | Readonly<{ from: 'environment'; bytes: Buffer }>
  | Readonly<{ from: 'file'; path: string; createIfMissing: boolean }>;

/** 32 bytes from hex (64 digits) or base64 (padded or not, either alphabet); undefined for anything else. */
export function decodePepper(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === PEPPER_BYTES ? bytes : undefined;
}

/** The database stores this value to recognise its pepper. It reveals nothing about the pepper. */
export const pepperCheck = (pepper: Pepper) => (databaseId: string) =>
  createHmac('sha256', pepper).update(`keyhearth:pepper-check:v1:${databaseId}`).digest('base64url');

/**
 * Reads the pepper, or makes one at the very first start.
 * @param databaseExists an existing database must not get a new pepper, because its fingerprints would not match
 * @throws StartupError when the pepper is missing, malformed or open to other users.
 */
export function loadPepper(source: PepperSource, databaseExists: boolean): Pepper {
  if (source.from === 'environment') return createSecretKey(source.bytes);
  const found = readPepper(source.path);
  if (found) return found;
  if (!source.createIfMissing) {
    throw new StartupError(
      `KEYHEARTH_PEPPER_FILE names ${source.path}, which does not exist; make it with: (umask 077; openssl rand -hex 32 > FILE)`,
    );
  }
  if (databaseExists) {
    throw new StartupError(
      `The pepper ${source.path} is missing, but its database exists; use the pepper of the other processes, or restore it from a backup (if it is lost, see docs/lost-pepper.md).`,
    );
  }
  writePrivateFileOnce(source.path, `${randomBytes(PEPPER_BYTES).toString('hex')}\n`);
  const made = readPepper(source.path);
  if (!made) throw new StartupError(`The pepper ${source.path} was removed while starting; start again.`);
  return made;
}

function readPepper(path: string): Pepper | undefined {
  const text = readSecretFile(path, 'The pepper');
  if (text === undefined) return undefined;
  const bytes = decodePepper(text);
  if (!bytes) {
    throw new StartupError(
      `The pepper ${path} is not 32 bytes in hex or base64; restore it from a backup (docs/lost-pepper.md says what to do when it is lost).`,
    );
  }
  return createSecretKey(bytes);
}
