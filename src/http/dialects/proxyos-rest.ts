import type { FailureCode, FailureOf } from '../../lib/failure.ts';
import type { Dialect } from '../dialect.ts';
import { NO_STORE, SECURITY_HEADERS } from '../security-headers.ts';
import { describeProblem } from './problem.ts';
import { shownScopes } from './trpc.ts';

const MISSING = 'Missing Authorization header';

/** What clients of ProxyOS expect. Every other failure has the sentence of its problem document. */
const sentences: { [Code in FailureCode]?: string | ((failure: FailureOf<Code>) => string) } = {
  no_api_key_configured: MISSING,
  api_key_required: MISSING,
  invalid_api_key: 'Invalid or expired API key',
  insufficient_scope: ({ scopes }) =>
    `Insufficient scope — requires ${shownScopes(scopes)
      .map((scope) => `"${scope}"`)
      .join(' or ')}`,
  setup_already_complete: 'Setup already complete',
};

/** The dialect of the REST routes of the ProxyOS API: `{"error": "..."}`. */
export const proxyosRest: Dialect = (failure) => {
  const { document, headers } = describeProblem(failure);
  const sentence = sentences[failure.code] as
    | string
    | ((failure: FailureOf<FailureCode>) => string)
    | undefined;
  const error = typeof sentence === 'function' ? sentence(failure) : (sentence ?? document.detail);
  return {
    status: document.status,
    headers: { ...SECURITY_HEADERS, ...NO_STORE, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ error }),
  };
};
