import { problemDialect } from '../../http/dialects/problem.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';

/** Percent-encodes what a header cannot carry safely (RFC 9110, section 5.5). */
const headerValue = (text: string) =>
  text.replace(/[^\x20-\x24\x26-\x7e]|^ | $/gu, (character) => encodeURIComponent(character));

/** The headers that name the key to a proxy. */
export const identityHeaders = ({ id, label, owner, scopes }: KeyPrincipal) => ({
  'X-Keyhearth-Key-Id': String(id),
  'X-Keyhearth-Label': headerValue(label),
  'X-Keyhearth-Owner': owner === '' ? '' : headerValue(owner),
  'X-Keyhearth-Scopes': scopes.join(' '),
});

/** The body of the answer to a valid key. */
export const verifiedBody = ({ id, label }: KeyPrincipal) => ({ valid: true as const, key: { id, label } });

/** The same body as text. JSON.stringify of the whole body takes three times as long as of the label. */
export const verifiedText = ({ id, label }: KeyPrincipal) =>
  `{"valid":true,"key":{"id":${id},"label":${JSON.stringify(label)}}}`;

/** nginx answers 500 when its subrequest gets anything except 2xx, 401 and 403. */
export const problemAs403 = problemDialect((status) => (status === 401 ? 401 : 403));
