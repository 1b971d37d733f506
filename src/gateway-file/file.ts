import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../lib/error-code.ts';
import { DomainError } from '../lib/failure.ts';
import type { FileProblem } from './config.ts';
import { MAX_FILE_BYTES } from './parse.ts';

/** The bytes of the file, and the same as text. */
export type FileContent = Readonly<{ bytes: Buffer; text: string }>;

const unreadable = (why: string): FileProblem => ({
  kind: 'unreadable',
  line: undefined,
  field: '',
  sentence: `The file cannot be read (${why}); correct its path, its owner or its rights.`,
});

export function readGatewayFile(path: string): FileContent | FileProblem {
  let bytes: Buffer;
  try {
    bytes = readStart(path);
  } catch (error) {
    return unreadable(errorCode(error) ?? 'unknown');
  }
  if (bytes.length > MAX_FILE_BYTES)
    return { ...unreadable(''), kind: 'invalid_config', sentence: 'The file is larger than 1 MiB.' };
  try {
    return { bytes, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { ...unreadable(''), kind: 'invalid_yaml', sentence: 'The file is not UTF-8.' };
  }
}

/** One byte more than a file may have, at most. */
function readStart(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(MAX_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length === buffer.length) return Buffer.from(buffer.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

/** Whether the file has exactly these bytes. */
export function hasBytes(path: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false;
  }
}

/** In these cases no other file can take its place, but perhaps it can be written itself. */
const WITHOUT_RENAME = ['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS'];

/**
 * Replaces the file as a whole, with its mode and its owner. A link to it stays. A file that is mounted by itself cannot be
 * replaced: it is written in its place.
 * @param expected what the change began with
 * @throws DomainError `gateway_config_changed`, `gateway_config_unwritable`
 */
export function replaceGatewayFile(path: string, expected: Uint8Array, text: string): void {
  const bytes = Buffer.from(text);
  try {
    const target = realpathSync(path);
    try {
      writeByRename(target, expected, bytes);
    } catch (error) {
      if (!WITHOUT_RENAME.includes(errorCode(error) ?? '')) throw error;
      writeInPlace(target, expected, bytes);
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    if (errorCode(error) === 'ENOENT') throw changed();
    throw new DomainError({ code: 'gateway_config_unwritable', error: errorCode(error) ?? 'unknown' });
  }
}

const changed = () => new DomainError({ code: 'gateway_config_changed' });

function writeByRename(target: string, expected: Uint8Array, bytes: Uint8Array): void {
  const directory = dirname(target);
  const draft = join(directory, `.${basename(target)}.${randomUUID()}`);
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeAll(file, bytes);
      keepRights(target, file);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // Nothing may come between these two.
    if (!hasBytes(target, expected)) throw changed();
    renameSync(draft, target);
  } finally {
    rmSync(draft, { force: true });
  }
  syncDirectory(directory);
}

/** @throws an error of the system when this user may not give the file to its owner */
function keepRights(target: string, draft: number): void {
  const file = openSync(target, 'r');
  try {
    const { mode, uid, gid } = fstatSync(file);
    const made = fstatSync(draft);
    if (made.uid !== uid || made.gid !== gid) fchownSync(draft, uid, gid);
    fchmodSync(draft, mode & 0o7777);
  } finally {
    closeSync(file);
  }
}

function writeInPlace(target: string, expected: Uint8Array, bytes: Uint8Array): void {
  const file = openSync(target, 'r+');
  try {
    if (!hasBytes(target, expected)) throw changed();
    writeAll(file, bytes);
    ftruncateSync(file, bytes.length);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, written);
}

/** A new name survives a power failure only when its directory is synced too. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
