import type { FailureCode, FailureOf } from '../../lib/failure.ts';
import type { Rule } from './problem-rule.ts';

const unserved = {
  path: 'No upstream is configured for this path.',
  client: 'No upstream credential is configured for this client.',
};

const unreachable = {
  no_connection: 'The upstream cannot be reached.',
  connection_lost: 'The upstream closed the connection before its answer.',
  credential: 'The upstream refused the credential that is configured for it. Your own key is valid.',
};

const late = {
  connection: 'The upstream did not take the connection in time.',
  answer: 'The upstream did not answer in time.',
};

/** The rows of the problem dialect for the gateway. */
export const gatewayRules = {
  no_upstream: {
    status: 404,
    detail: (failure: FailureOf<'no_upstream'>) => unserved[failure.for],
  },
  upstream_unreachable: {
    status: 502,
    detail: ({ reason }: FailureOf<'upstream_unreachable'>) => unreachable[reason],
  },
  upstream_timeout: {
    status: 504,
    detail: ({ waitedFor }: FailureOf<'upstream_timeout'>) => late[waitedFor],
  },
  api_key_declared: {
    status: 409,
    detail:
      'This key is declared in the section api-keys of config.yaml, the file of the gateway. Change it there.',
  },
  too_many_concurrent: {
    status: 429,
    detail: ({ limit }: FailureOf<'too_many_concurrent'>) =>
      `The API key has ${limit} ${limit === 1 ? 'request' : 'requests'} open, and may not have more at one time. Try again when one has ended.`,
    headers: ({ retryAfter }: { retryAfter: number }) => ({ 'Retry-After': String(retryAfter) }),
  },
} satisfies { [Code in FailureCode]?: Rule<Code> };
