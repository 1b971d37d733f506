import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'yaml';
import type { GatewayConfig } from '../../gateway-file/config.ts';
import type { HttpContext } from '../../http/context.ts';
import { isForbiddenHost } from '../../lib/forbidden-address.ts';
import type { ManagementParts } from './parts.ts';
import { invalid, recordChange } from './request.ts';
import { changedFields } from './shown.ts';

/** What decides who reaches the gateway, and which files it reads. Only somebody who can write the file may change it. */
const LOCKED: readonly { field: string; of: (config: GatewayConfig) => unknown }[] = [
  { field: 'host', of: ({ host }) => host },
  { field: 'tls', of: ({ tls }) => tls },
  { field: 'auth-dir', of: ({ authDir }) => authDir },
  { field: 'allow-unauthenticated-remote', of: (config) => config.allowUnauthenticatedRemote },
  { field: 'remote-management.allow-remote', of: ({ management }) => management.allowRemote },
  { field: 'remote-management.panel-file', of: ({ management }) => management.panelFile },
];

function keepLocked(after: GatewayConfig, before: GatewayConfig): void {
  const changed = LOCKED.filter(({ of }) => !isDeepStrictEqual(of(after), of(before)));
  if (changed.length === 0) return;
  throw invalid(
    'locked',
    changed.map(({ field }) => field),
  );
}

/** Nothing here may open the gateway to everybody. */
function keepKeys(after: GatewayConfig, before: GatewayConfig): void {
  if (after.clientKeys.length === 0 && before.clientKeys.length > 0) throw invalid('locked', ['api-keys']);
}

const upstreamUrls = ({ credentials, amp, oauth }: GatewayConfig): string[] => [
  ...credentials.map(({ baseUrl }) => baseUrl),
  ...(amp ? [amp.upstreamUrl] : []),
  ...Object.values(oauth).flatMap(({ baseUrl, tokenUrl }) => [baseUrl ?? '', tokenUrl]),
];

/** At such an address, a cloud gives out the credentials of the machine. Only the file may name one. */
function keepAddresses(after: GatewayConfig, before: GatewayConfig): void {
  const known = new Set(upstreamUrls(before));
  const isNew = (url: string) => !known.has(url) && isForbiddenHost(URL.parse(url)?.hostname ?? '');
  if (upstreamUrls(after).some(isNew)) throw invalid('locked', ['a URL with a link-local address']);
}

/**
 * What no change through this API may do. Each change is checked: YAML can use a part of the file in several places, so a
 * change of one section can change another one.
 * @throws DomainError that names the fields
 */
export function keepGuards(after: GatewayConfig, before: GatewayConfig): void {
  keepLocked(after, before);
  keepKeys(after, before);
  keepAddresses(after, before);
}

/** Changes the file. It is in force, and its audit event is on disk, before this resolves. */
export async function editFile(
  c: HttpContext,
  parts: ManagementParts,
  change: (document: Document) => void,
): Promise<void> {
  let changes = {};
  await parts.live.edit(
    (document) => {
      const before = document.toJS() ?? {};
      change(document);
      changes = changedFields(before, document.toJS() ?? {});
    },
    { check: keepGuards },
  );
  await recordChange(c, parts, 'gateway.updated', changes);
}
