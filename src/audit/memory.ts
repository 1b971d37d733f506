import { allocateIncidents } from './incident-limit.ts';
import { allocateRetention } from './retention.ts';

/** What all threads of a process share about the audit log. */
export type AuditMemory = Readonly<{ incidents: SharedArrayBuffer; retention: SharedArrayBuffer }>;

export const auditMemory = (): AuditMemory => ({
  incidents: allocateIncidents(),
  retention: allocateRetention(),
});
