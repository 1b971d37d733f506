import type { Principal } from '../http/env.ts';

/** As a header can carry it: RFC 9110, section 5.5, allows no more than this to be sent safely. */
const headerValue = (label: string) =>
  label.replace(/[^\x20-\x24\x26-\x7e]|^ | $/gu, (character) => encodeURIComponent(character));

/** How a proxy reads whose request it was. */
export const identityHeaders = ({ id, label }: Principal) => ({
  'X-Keyhearth-Key-Id': String(id),
  'X-Keyhearth-Label': headerValue(label),
});

/** What a request with a good key is told. */
export const verified = ({ id, label }: Principal) => ({ valid: true as const, key: { id, label } });

/** The same as text. JSON.stringify takes three times as long for all of it as for what may need an escape. */
export const verifiedText = ({ id, label }: Principal) =>
  `{"valid":true,"key":{"id":${id},"label":${JSON.stringify(label)}}}`;

/** nginx takes any answer to its subrequest but 2xx, 401 and 403 for a fault of the upstream and makes it a 500. */
export const deniedAs403 = (status: number) => (status < 400 || status === 401 ? status : 403);
