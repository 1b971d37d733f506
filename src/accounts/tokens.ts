import { generateRawKey, isGenerated } from '../keys/key-format.ts';
import type { Fingerprint, RawKey } from '../lib/brand.ts';

/** A token has the format of a generated key. Its prefix says what it is, so that it is never taken for an API key. */
export const TOKEN_PREFIXES = { session: 'khs', access_token: 'kha', invitation: 'khi' } as const;

export type TokenKind = keyof typeof TOKEN_PREFIXES;

const KINDS = Object.keys(TOKEN_PREFIXES) as TokenKind[];

/** The kind of a token with a right checksum. Whether it is valid does not matter. */
export const tokenKindOf = (text: string): TokenKind | undefined =>
  text.startsWith('kh') ? KINDS.find((kind) => isGenerated(text, TOKEN_PREFIXES[kind])) : undefined;

/** A new token, and what the database keeps of it. */
export function newToken(
  kind: TokenKind,
  fingerprintOf: (token: RawKey) => Fingerprint,
): { token: RawKey; fingerprint: Fingerprint } {
  const token = generateRawKey(TOKEN_PREFIXES[kind]);
  return { token, fingerprint: fingerprintOf(token) };
}
