import type { FailureCode, FailureOf } from '../../lib/failure.ts';
import type { Rule } from './problem-rule.ts';

/** Like Go, whose programs clients of the original know: 29m58s. */
const inMinutes = (seconds: number) =>
  `${seconds < 60 ? '' : `${Math.floor(seconds / 60)}m`}${seconds % 60}s`;

type Refused = FailureOf<'management_refused'>;

/** The contract fixes the sentences. */
const refused: { [Reason in Refused['reason']]: readonly [number, (failure: Refused) => string] } = {
  disabled: [404, () => 'Not Found'],
  banned: [
    403,
    ({ retryAfter }) => `IP banned due to too many failed attempts. Try again in ${inMinutes(retryAfter)}`,
  ],
  remote: [403, () => 'remote management disabled'],
  missing: [401, () => 'missing management key'],
  wrong: [401, () => 'invalid password'],
};

type Invalid = FailureOf<'management_invalid'>;

/** The contract fixes the first three. */
const invalid: { [Reason in Invalid['reason']]: readonly [number, (fields: string) => string] } = {
  body: [400, () => 'invalid body'],
  fields: [400, () => 'missing fields'],
  index_or_value: [400, () => 'missing index or value'],
  base_url: [400, () => 'missing base-url: the key stands in the list twice'],
  ambiguous: [400, () => 'several items match: send index'],
  item: [404, () => 'item not found'],
  locked: [
    422,
    (fields) =>
      fields === 'api-keys'
        ? 'api-keys must keep a key here: without one, nobody needs a key. Empty the list in the file of the gateway'
        : `${fields} cannot be changed here: change it in the file of the gateway`,
  ],
  provider: [400, (fields) => `the file of the gateway lacks ${fields}`],
  session: [404, () => 'session not found'],
  file: [404, () => 'file not found'],
  directory: [
    500,
    () => 'auth-dir cannot be used: let it be a directory of the user of Keyhearth. The log says more',
  ],
  name: [400, () => 'invalid name: send name, which ends in .json and has no path'],
};

/** The rows of the problem dialect for the gateway. */
export const gatewayRules = {
  no_upstream: { status: 404, detail: 'No upstream is configured for this path.' },
  no_upstream_credential: {
    status: 404,
    detail: 'No upstream credential is configured for this client.',
  },
  upstream_rate_limited: {
    status: 429,
    detail: 'The rate limit of the upstream is reached. Your own key is valid.',
    headers: ({ retryAfter }: { retryAfter: number }) => ({ 'Retry-After': String(retryAfter) }),
  },
  upstream_unreachable: { status: 502, detail: 'The upstream cannot be reached.' },
  upstream_connection_lost: {
    status: 502,
    detail: 'The upstream closed the connection before its answer.',
  },
  upstream_invalid_answer: {
    status: 502,
    detail: 'The answer of the upstream is not valid HTTP, or its headers are too long.',
  },
  upstream_credential_refused: {
    status: 502,
    detail: 'The upstream refused the credential that is configured for it. Your own key is valid.',
  },
  upstream_redirected: {
    status: 502,
    detail: 'The upstream redirects to another place, and a client would show its key there.',
  },
  upstream_websocket_refused: { status: 502, detail: 'The upstream does not open a WebSocket here.' },
  management_refused: {
    status: (failure: Refused) => refused[failure.reason][0],
    detail: (failure: Refused) => refused[failure.reason][1](failure),
  },
  management_invalid: {
    status: ({ reason }: Invalid) => invalid[reason][0],
    detail: ({ reason, fields = [] }: Invalid) => invalid[reason][1](fields.join(', ')),
  },
  upstream_connect_timeout: { status: 504, detail: 'The upstream did not take the connection in time.' },
  upstream_timeout: { status: 504, detail: 'The upstream did not answer in time.' },
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
