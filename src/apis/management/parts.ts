import type { RecordOutside } from '../../audit/recorder.ts';
import type { ManagementAuth } from '../../auth/by/management-secret.ts';
import type { LiveConfig } from '../../gateway-file/live.ts';
import type { OAuth } from '../../oauth/service.ts';

/** What the gateway has counted since its first start, in the form of the original. */
export type UsageSummary = Readonly<Record<string, unknown>>;

/** What the management API needs. */
export type ManagementParts = {
  live: LiveConfig;
  oauth: OAuth;
  auth: ManagementAuth;
  record: RecordOutside;
  usageSummary: () => Promise<UsageSummary>;
};
