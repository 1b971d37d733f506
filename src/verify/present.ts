import type { Principal } from '../http/env.ts';

/** As a header can carry it: RFC 9110, section 5.5, allows no more than this to be sent safely. */
const headerValue = (label: string) =>
  label.replace(/[^\x20-\x24\x26-\x7e]|^ | $/gu, (character) => encodeURIComponent(character));

/** What a request with a good key is told, and how a proxy reads whose it is. */
export const presentVerified = ({ id, label }: Principal) => ({
  headers: { 'X-Keyhearth-Key-Id': String(id), 'X-Keyhearth-Label': headerValue(label) },
  body: { valid: true as const, key: { id, label } },
});

/** nginx takes any answer to its subrequest but 2xx, 401 and 403 for a fault of the upstream and makes it a 500. */
export const deniedAs403 = (status: number) => (status < 400 || status === 401 ? status : 403);
