import type { CallError, ProblemError } from '../client/result.ts';
import { type Connection, send } from '../client/send.ts';
import { errorCode } from '../lib/error-code.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { readSecretFile } from '../lib/secret-file.ts';
import type { Environment, GlobalOptions, Input, Request } from './context.ts';
import { CommandError, EXIT, exitCodeOf, usageError } from './exit-codes.ts';
import { nameOfField } from './field-names.ts';
import { findProfile, type Profile } from './profiles.ts';

const DEFAULT_URL = 'http://127.0.0.1:8800';
const TIMEOUT_MS = 30_000;
const RETRIES = 2;

type Parts = { env: Environment; input: Input; options: GlobalOptions; warn: (sentence: string) => void };

/** Where a command sends its requests, and with which key. */
export async function connect(parts: Parts): Promise<(request: Request) => Promise<unknown>> {
  const { env, options } = parts;
  const chosen = options.url ?? (env.KEYHEARTH_URL || undefined);
  const hasKey = options.keyFile !== undefined || Boolean(env.KEYHEARTH_KEY);
  // Then nothing of a profile is used, and its file may be closed to this user.
  const needsNone = chosen !== undefined && hasKey && options.profile === undefined;
  const profile = needsNone ? undefined : findProfile(env, options.profile);
  const base = baseOf(chosen ?? profile?.url ?? DEFAULT_URL);
  const key = await keyFor(parts, base, profile);
  if (base.protocol === 'http:' && !isLoopbackHost(base.hostname))
    parts.warn(
      `Warning: your key goes to ${base.host} without encryption, and others on the way can read it. Use https.`,
    );
  const connection: Connection = {
    base,
    key,
    timeoutMs: TIMEOUT_MS,
    retries: RETRIES,
    fetch: globalThis.fetch,
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
  return async (request) => {
    const result = await send(connection, { ...request, isSafe: request.method === 'GET' });
    if (result.ok) return result.data;
    throw new CommandError(sentenceOf(result.error, base, request), exitCodeOf(result.error));
  };
}

async function keyFor({ env, input, options }: Parts, base: URL, profile?: Profile): Promise<string> {
  const key =
    options.keyFile !== undefined ? await readKey(options.keyFile, input) : env.KEYHEARTH_KEY || undefined;
  // A profile belongs to one service. Its key must not reach another one.
  const ofProfile = profile && baseOf(profile.url).href === base.href ? profile.key : undefined;
  const found = key ?? ofProfile;
  if (found === undefined)
    throw usageError(
      `There is no key for ${base.href}${profile?.key ? ` (the profile is for ${profile.url})` : ''}; set KEYHEARTH_KEY, use --key-file, or make a profile with: keyhearth profiles set`,
    );
  return checkedKey(found);
}

/** @param path `-` is standard input */
export async function readKey(path: string, input: Input): Promise<string> {
  const text = path === '-' ? (await input.readAll()).trim() : readSecretFile(path, 'The key file');
  if (text === undefined)
    throw new CommandError(`There is no file ${path}; correct --key-file.`, EXIT.notFound);
  return checkedKey(text);
}

/** The message of an invalid header would contain the key. */
function checkedKey(key: string): string {
  if (!/^[!-~]+$/.test(key))
    throw usageError('The key is empty or has characters that no key has; check where it comes from.');
  return key;
}

/** @throws CommandError when nothing can be requested there */
export function baseOf(url: string): URL {
  const base = URL.parse(url);
  if (!base || !/^https?:$/.test(base.protocol))
    throw usageError('The URL must begin with http:// or https://; correct --url or KEYHEARTH_URL.');
  if (base.username || base.password || base.search || base.hash)
    throw usageError('The URL must be without a user name, a password, a query and a fragment.');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

/** Such as a refused connection or an unknown certificate. fetch() hides it in the cause of its error. */
const codeOf = (cause: unknown) => errorCode(cause instanceof Error ? cause.cause : undefined);

const UNKNOWN_AUTHORITY = /SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY|GET_ISSUER)/;

function adviceFor(code: string | undefined, { protocol }: URL): string {
  if (code !== undefined && UNKNOWN_AUTHORITY.test(code))
    return 'set NODE_EXTRA_CA_CERTS to the file of the authority that has made its certificate.';
  if (code === 'UND_ERR_SOCKET' && protocol === 'http:')
    return 'check whether the URL must begin with https.';
  return 'check the URL, and that it runs.';
}

const UNLOCK = 'To go on at once, use another address, or restart Keyhearth.';

function sentenceOf(error: CallError, base: URL, { path }: Request): string {
  if (error.kind === 'unreachable') {
    const code = codeOf(error.cause);
    return `Keyhearth cannot be reached at ${base.href}${code ? ` (${code})` : ''}; ${adviceFor(code, base)}`;
  }
  if (error.kind === 'timeout')
    return 'Keyhearth did not answer in time. A change may have happened: check before you repeat it.';
  if (error.kind !== 'problem') return error.message;
  const wait = error.retryAfter === undefined ? '' : ` Try again in ${error.retryAfter} seconds.`;
  const hint = error.hint ?? (error.code === 'too_many_failed_attempts' ? UNLOCK : undefined);
  return `${messageOf(error, base, path)}${wait}${hint ? ` ${hint}` : ''} (${error.code})`;
}

/** The service speaks of the fields of a request, and a person gave options. */
function messageOf({ code, message, errors }: ProblemError, base: URL, path: string): string {
  const [, id] = /^auth\/keys\/(\d+)/.exec(path) ?? [];
  if (code === 'api_key_not_found' && id !== undefined) return `There is no key ${id} at ${base.href}.`;
  if (code !== 'invalid_request' || errors.length === 0) return message;
  return errors.map((error) => `${nameOfField(error.path)} ${error.message}.`).join(' ');
}
