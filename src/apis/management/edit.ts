import type { Document } from 'yaml';
import type { GatewayConfig } from '../../gateway-file/config.ts';
import type { HttpContext } from '../../http/context.ts';
import type { ManagementParts } from './parts.ts';
import { invalid, recordChange } from './request.ts';
import { changedFields } from './shown.ts';

/** Nothing here may open the gateway to everybody. */
export function keepKeys(after: GatewayConfig, before: GatewayConfig): void {
  if (after.clientKeys.length === 0 && before.clientKeys.length > 0) throw invalid('locked', ['api-keys']);
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
    { check: keepKeys },
  );
  await recordChange(c, parts, 'gateway.updated', changes);
}
