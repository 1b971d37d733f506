import type { LimitState } from '../../lib/rate-limit.ts';

/** The sentences of codes that have several, by their reason. */

export const malformed = {
  not_http: 'The request is not valid HTTP.',
  target: 'The request target or the Host header is not valid.',
  body_incomplete: 'The request body did not arrive whole.',
  body_not_utf8: 'The request body is not valid UTF-8.',
  body_not_json: 'The request body is not valid JSON.',
  duplicate_model: 'The request body has the member "model" twice.',
};

export const mediaType = {
  not_json: {
    detail: 'The request body must be JSON: send the header Content-Type: application/json.',
    error: { path: 'Content-Type', message: 'must be application/json' },
  },
  compressed: {
    detail: 'The request body must not be compressed: send it without the header Content-Encoding.',
    error: { path: 'Content-Encoding', message: 'must be absent' },
  },
};

export const insufficient = {
  route: (scopes: string) => `The API key does not hold the scope: ${scopes}.`,
  scopes: (scopes: string) => `Nobody can give or change more than they hold, and you do not hold ${scopes}.`,
  expires_at: () => 'The key would be valid for longer than your API key. Choose an earlier expires_at.',
  allowed_ips: () =>
    'The key would be allowed from more addresses than your API key. Choose allowed_ips among those of your key.',
  rate_limits: () =>
    'The key would have weaker rate limits than your API key. Give it limits with the same names that are as strict.',
  max_concurrent: () =>
    'The key could have more requests open at one time than your API key. Choose a max_concurrent that is as low.',
};

export const otherToken = {
  session: 'This is the token of a session, and not an API key. Only a browser sends it, as a cookie.',
  access_token: 'This is an access token, and not an API key. It works at the ProxyHat API only.',
  invitation: 'This is the token of an invitation, and not an API key. Open its link to get an account.',
};

/** What a person lacks. A person has no key to name. `*` is the role of an admin. */
export const lacking = (scopes: readonly string[]) =>
  scopes.includes('*')
    ? 'Only an admin can do this.'
    : `Your account does not hold ${scopes.join(' ')}. Ask an admin.`;

export const overloaded = {
  hashing: 'Too many keys are being hashed at the moment. Try again in a few seconds.',
  undecided: 'The key was compared with only some of the stored keys. Send it again in a moment.',
  descriptors: 'Too many files and connections are open at the moment. Try again in a few seconds.',
  bodies: 'Too many long requests are arriving at the moment. Try again in a few seconds.',
};

export const busy = {
  other_change: 'The database is busy with another change. Try again in a moment.',
  connections: 'All connections to the database are in use. Try again in a moment.',
  timeout: 'The database is busy. Nothing was changed. Try again in a moment.',
};

export const unavailable = {
  unreadable: 'The database cannot be read.',
  unwritable: 'The database cannot be written at the moment. Nothing was changed.',
  damaged: 'The database is damaged.',
  disk_full: 'The disk of the database is full. Nothing was changed.',
  file_lost:
    'A file of the database was removed or replaced. A change that was under way may be lost: check before you repeat it.',
  refused: 'The database does not take this at the moment. Nothing was changed.',
  unreachable: 'The database cannot be reached at the moment. Try again in a moment.',
  connection_lost:
    'The connection to the database was lost. The change may or may not have been made: check before you repeat it.',
};

/** A verification by a proxy takes 1 of each limit, so the limits that refuse it have nothing left. */
export function usedUp(limits: readonly LimitState[]): string {
  const empty = limits.filter(({ remaining }) => remaining === 0);
  const names = empty.map(({ name, limit, window }) => `${name} (${limit} in ${window})`);
  const holder = empty.every(({ name }) => name.startsWith('account:')) ? 'account' : 'API key';
  return `The ${holder} has reached a rate limit: ${names.join(', ')}. Try again later.`;
}
