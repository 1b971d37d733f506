import { MAX_SCOPE_LENGTH, MAX_SCOPES, SCOPE_PATTERN } from '../../keys/scopes.ts';
import { Scope } from '../../lib/brand.ts';

/** What `GET /auth/verify` is asked. */
export type Question = Readonly<{ denyAs403: boolean; scopes: readonly Scope[] }>;

export const plainQuestion: Question = { denyAs403: false, scopes: [] };

const isScope = (text: string) => text.length <= MAX_SCOPE_LENGTH && SCOPE_PATTERN.test(text);

/** The question in a query string; undefined for a query that is invalid, or has other parameters. */
export function parseQuestion(query: string): Question | undefined {
  // URLSearchParams would skip it, and the framework takes it for a part of the first name.
  if (query.startsWith('?')) return undefined;
  const parameters = new URLSearchParams(query);
  const scopes = parameters.getAll('scope');
  const deny = parameters.getAll('deny');
  if (parameters.size > scopes.length + deny.length) return undefined;
  if (scopes.length > MAX_SCOPES || !scopes.every(isScope)) return undefined;
  if (deny.length > 1 || deny.some((value) => value !== '403')) return undefined;
  return { denyAs403: deny.length > 0, scopes: scopes.map(Scope) };
}
