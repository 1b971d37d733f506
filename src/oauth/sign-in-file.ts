import type { OAuthProvider } from '../gateway-file/config.ts';
import type { AuthDir } from './auth-dir.ts';
import { providers } from './providers.ts';
import { sessionId } from './sessions.ts';
import { accountIn, type Grant, parseTokenFile, type TokenFile } from './token-file.ts';

export type ChosenFile = Readonly<{
  name: string;
  /** What it holds already, and whose it is. */
  file: TokenFile;
  /** The usual name, when another account has it. */
  takenName?: string;
}>;

/**
 * The file for the tokens of a sign-in. It has the name of the account, as in CLI Proxy API. An account that signs in again
 * keeps its file. Of two accounts with one name, the second gets a file of its own.
 */
export async function chooseTokenFile(
  directory: AuthDir,
  provider: OAuthProvider,
  grant: Grant,
): Promise<ChosenFile> {
  const { type } = providers[provider];
  const { name: person, subject } = accountIn(grant.idToken);
  const base = `${type}-${person.replaceAll(/[^\w@.+-]/g, '_').slice(0, 120) || sessionId(grant.accessToken)}`;
  const own = { type, ...(person.includes('@') && { email: person }) };
  const read = async (name: string) =>
    parseTokenFile((await directory.read(name))?.content.toString() ?? '') ?? {};

  const usual = `${base}.json`;
  const existing = await read(usual);
  const owner = accountIn(existing.id_token).subject;
  if (owner === '' || subject === '' || owner === subject)
    return { name: usual, file: { ...existing, ...own } };
  const name = `${base}-${sessionId(subject)}.json`;
  return { name, file: { ...(await read(name)), ...own }, takenName: usual };
}
