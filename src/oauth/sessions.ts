import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { OAuthProvider } from '../gateway-file/config.ts';
import type { AuthDir, AuthFile } from './auth-dir.ts';
import { providerOf } from './providers.ts';
import { isServiceAccount, isUsableToken, parseTokenFile, type Tokens, tokensOf } from './token-file.ts';

/** What belongs to a token file and is not in it. */
export type Beside = Readonly<{
  /** Replaces the `type` of the file. */
  channel?: string | undefined;
  /** Models with this prefix go to it. */
  prefix?: string | undefined;
  /** The refresh token that the provider has refused. */
  refused?: string | undefined;
}>;

/** A token file that an upstream can use. */
export type Session = Readonly<{
  id: string;
  name: string;
  provider: OAuthProvider;
  prefix: string | null;
  tokens: Tokens;
  /** The provider no longer refreshes it: somebody has to sign in again. */
  isRefused: boolean;
  modifiedAt: number;
}>;

const besideSchema = z.object({
  channel: z.string().optional().catch(undefined),
  prefix: z.string().optional().catch(undefined),
  refused: z.string().optional().catch(undefined),
});

/** The id stands for the name, which can have characters that a path cannot. */
export const sessionId = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 16);

/** Stands for a refresh token where the token itself must not be kept. */
export const markOf = (refreshToken: string) => createHash('sha256').update(refreshToken).digest('base64url');

export async function readBeside(directory: AuthDir, name: string): Promise<Beside> {
  const content = await directory.readBeside(name);
  const file = content === undefined ? undefined : parseTokenFile(content);
  return file ? besideSchema.parse(file) : {};
}

export async function writeBeside(directory: AuthDir, name: string, beside: Beside): Promise<void> {
  const isEmpty = Object.values(beside).every((value) => value === undefined);
  await directory.writeBeside(name, isEmpty ? undefined : `${JSON.stringify(beside)}\n`);
}

/** Undefined for a file without a token that can be used. */
export function sessionOf({ name, content, modifiedAt }: AuthFile, beside: Beside): Session | undefined {
  const file = parseTokenFile(content.toString());
  if (!file || isServiceAccount(file)) return undefined;
  const tokens = tokensOf(file);
  const provider = providerOf(beside.channel ?? tokens.type);
  if (!provider || !isUsableToken(tokens.accessToken)) return undefined;
  return {
    id: sessionId(name),
    name,
    provider,
    prefix: beside.prefix ?? prefixIn(file.prefix),
    tokens,
    isRefused: beside.refused !== undefined && beside.refused === markOf(tokens.refreshToken),
    modifiedAt,
  };
}

const prefixIn = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);

/** `unused`: the files that look like credentials and serve as none, with the reason. It repeats nothing of the content. */
export type AuthDirContent = Readonly<{ sessions: Session[]; unused: ReadonlyMap<string, string> }>;

export async function readSessions(directory: AuthDir): Promise<AuthDirContent> {
  const sessions: Session[] = [];
  const unused = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const file of await directory.list()) {
    const session = sessionOf(file, await readBeside(directory, file.name));
    const owner = session && ownerOf(session, owners);
    if (owner !== undefined) unused.set(file.name, `it has the same token as ${owner}, which is used`);
    else if (session) sessions.push(session);
    else if (isServiceAccount(parseTokenFile(file.content.toString()) ?? {}))
      unused.set(file.name, NO_SERVICE_ACCOUNT);
  }
  return { sessions, unused };
}

const NO_SERVICE_ACCOUNT =
  'it is the key of a service account, and the gateway uses access tokens only. Use a file with an access_token';

/** The file that has the token of this one already, for the same models. */
function ownerOf(
  { name, provider, prefix, tokens }: Session,
  owners: Map<string, string>,
): string | undefined {
  const key = JSON.stringify([provider, prefix, tokens.refreshToken || tokens.accessToken]);
  const owner = owners.get(key);
  if (owner === undefined) owners.set(key, name);
  return owner;
}

export const isExpired = ({ isRefused, tokens: { expiresAt } }: Session, now: number): boolean =>
  isRefused || (expiresAt !== undefined && expiresAt <= now);
