import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { errorCode } from '../lib/error-code.ts';
import { makeDirectory, replacePrivateFile } from '../lib/private-files.ts';
import type { Environment } from './context.ts';
import { usageError } from './exit-codes.ts';

/** The URL of a service, and the key for it. */
export type Profile = Readonly<{ url: string; key?: string | undefined }>;
export type Profiles = Readonly<Record<string, Profile>>;

const DEFAULT_NAME = 'default';
const NAME = /^[\w-][\w.-]{0,63}$/;

export const profilesPath = (env: Environment): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'keyhearth', 'profiles.json');

/** @throws CommandError when other users can read or change the file, or it has another form */
export function readProfiles(env: Environment): Profiles {
  const path = profilesPath(env);
  const status = statusOf(path);
  if (status === undefined) return {};
  if (!status.isFile()) throw usageError(`${path} is not a file; remove it.`);
  if (status.uid !== getuid?.()) throw usageError(`${path} belongs to another user; remove it.`);
  if ((status.mode & 0o077) !== 0)
    throw usageError(`Other users can read or change ${path}, which holds keys; run: chmod 600 ${path}`);
  const profiles = parse(read(path));
  if (profiles === undefined)
    throw usageError(`${path} has another form than {"default": {"url": "...", "key": "..."}}; correct it.`);
  return profiles;
}

function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // Such as the home directory /dev/null of a service.
    if (errorCode(error) === 'ENOTDIR') return undefined;
    throw unusable('read', path, error);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unusable('read', path, error);
  }
}

const unusable = (what: 'read' | 'make', path: string, error: unknown) =>
  usageError(
    `Cannot ${what} ${path} (${errorCode(error)}); check HOME and the permissions, or use KEYHEARTH_URL and KEYHEARTH_KEY in place of a profile.`,
  );

function parse(text: string): Profiles | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isProfiles(value) ? value : undefined;
  } catch {
    // The message of the parser would contain a part of the file, and so perhaps of a key.
    return undefined;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isProfiles = (value: unknown): value is Profiles =>
  isObject(value) &&
  Object.values(value).every(
    (each: unknown) =>
      isObject(each) &&
      'url' in each &&
      typeof each.url === 'string' &&
      (!('key' in each) || typeof each.key === 'string'),
  );

/** @param asked the name after `--profile` */
export function findProfile(env: Environment, asked: string | undefined): Profile | undefined {
  const name = asked ?? (env.KEYHEARTH_PROFILE || undefined);
  const profiles = readProfiles(env);
  const wanted = name ?? DEFAULT_NAME;
  if (Object.hasOwn(profiles, wanted)) return profiles[wanted];
  if (name === undefined) return undefined;
  throw usageError(`There is no profile ${name}; keyhearth profiles list shows the names.`);
}

/** Adds or replaces a profile. Removes it without `profile`. */
export function writeProfile(env: Environment, name: string, profile: Profile | undefined): void {
  if (!NAME.test(name)) throw usageError('The name of a profile has letters, digits, ".", "_" and "-" only.');
  const { [name]: _, ...others } = readProfiles(env);
  const path = profilesPath(env);
  try {
    makeDirectory(dirname(path));
  } catch (error) {
    throw unusable('make', dirname(path), error);
  }
  const profiles = profile === undefined ? others : { ...others, [name]: profile };
  replacePrivateFile(path, `${JSON.stringify(profiles, undefined, 2)}\n`);
}
