import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { OAuthProvider } from '../gateway-file/config.ts';
import type { AuthDir, AuthFile } from './auth-dir.ts';
import { providerOf } from './providers.ts';
import { isUsableToken, parseTokenFile, type Tokens, tokensOf } from './token-file.ts';

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

/** A token itself must not be kept twice. */
export const refusedMark = (refreshToken: string) =>
  createHash('sha256').update(refreshToken).digest('base64url');

export async function readBeside(directory: AuthDir, name: string): Promise<Beside> {
  const content = await directory.readBeside(name);
  const file = content === undefined ? undefined : parseTokenFile(content);
  return file ? besideSchema.parse(file) : {};
}

export async function writeBeside(directory: AuthDir, name: string, beside: Beside): Promise<void> {
  const isEmpty = Object.values(beside).every((value) => value === undefined);
  await directory.writeBeside(name, isEmpty ? undefined : `${JSON.stringify(beside)}\n`);
}

/** Undefined for a file without a token that can be used, such as the key of a service account. */
export function sessionOf({ name, content, modifiedAt }: AuthFile, beside: Beside): Session | undefined {
  const file = parseTokenFile(content.toString());
  if (!file) return undefined;
  const tokens = tokensOf(file);
  const provider = providerOf(beside.channel ?? tokens.type);
  if (!provider || !isUsableToken(tokens.accessToken)) return undefined;
  return {
    id: sessionId(name),
    name,
    provider,
    prefix: beside.prefix ?? prefixIn(file.prefix),
    tokens,
    isRefused: beside.refused !== undefined && beside.refused === refusedMark(tokens.refreshToken),
    modifiedAt,
  };
}

const prefixIn = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);

export async function readSessions(directory: AuthDir): Promise<Session[]> {
  const sessions: Session[] = [];
  for (const file of await directory.list()) {
    const session = sessionOf(file, await readBeside(directory, file.name));
    if (session) sessions.push(session);
  }
  return sessions;
}

export const isExpired = ({ isRefused, tokens: { expiresAt } }: Session, now: number): boolean =>
  isRefused || (expiresAt !== undefined && expiresAt <= now);
