import { allocateSignIns, type SignInMemory } from './accounts/sign-in-limits.ts';
import { type AuditMemory, auditMemory } from './audit/memory.ts';
import type { Config } from './config.ts';
import { type DatabaseMemory, databaseMemory } from './db/memory.ts';
import { allocateReloads, type ReloadMemory } from './gateway-file/reload-memory.ts';
import { allocateNews, type News } from './lib/news.ts';
import { allocateConcurrency, type ConcurrencyMemory } from './limits/concurrency.ts';
import { allocateWindows, type WindowMemory } from './limits/shared-windows.ts';
import { MANAGEMENT_BAN } from './lockout/management-ban.ts';
import { allocateLockout, type LockoutMemory } from './lockout/memory.ts';
import { countLocked } from './lockout/shared-table.ts';
import type { LockoutKind } from './lockout/wire.ts';
import { allocateMetrics, type MetricsMemory } from './metrics/memory.ts';

/** Few can reach it, since only this machine may by default. */
const MANAGEMENT_ADDRESSES = 10_000;

/** Browsers use two of them. */
const LOOPBACK_ADDRESSES = 1_000;

/** What all threads that serve together share. */
export type SharedMemory = Readonly<{
  lockout: LockoutMemory;
  signIns: SignInMemory;
  limits: WindowMemory;
  concurrency: ConcurrencyMemory;
  database: DatabaseMemory;
  audit: AuditMemory;
  /** The addresses that are banned from the management API of the gateway. */
  managementBans: LockoutMemory;
  /** The same two lockouts for the pages in browsers of this machine. */
  pageLockout: LockoutMemory;
  pageBans: LockoutMemory;
  /** What the file of the gateway says. */
  gatewayFile: ReloadMemory;
  /** What was last logged about the certificate, the address and the token files of the gateway. */
  gatewayNews: Readonly<{ certificate: News; address: News; authFiles: News }>;
  /** What was last logged about the certificate of the main port. */
  coreCertificate: News;
  /** What the workers have counted. */
  metrics: MetricsMemory;
}>;

export const sharedMemory = ({ lockout, workers }: Pick<Config, 'lockout' | 'workers'>): SharedMemory => ({
  lockout: allocateLockout(lockout),
  signIns: allocateSignIns(),
  limits: allocateWindows(),
  concurrency: allocateConcurrency(workers),
  database: databaseMemory(),
  audit: auditMemory(),
  managementBans: allocateLockout(MANAGEMENT_BAN, MANAGEMENT_ADDRESSES),
  pageLockout: allocateLockout(lockout, LOOPBACK_ADDRESSES),
  pageBans: allocateLockout(MANAGEMENT_BAN, LOOPBACK_ADDRESSES),
  gatewayFile: allocateReloads(),
  gatewayNews: { certificate: allocateNews(), address: allocateNews(), authFiles: allocateNews() },
  coreCertificate: allocateNews(),
  metrics: allocateMetrics(workers),
});

/** How many addresses are locked out now, and e-mail addresses. @param now the monotonic time */
export function lockoutsNow(memory: SharedMemory, now: number): Record<LockoutKind, number> {
  const count = (...tables: LockoutMemory[]) =>
    tables.reduce((sum, { table }) => sum + countLocked(table, now), 0);
  return {
    api_key: count(memory.lockout, memory.pageLockout),
    sign_in_address: count(memory.signIns.byAddress),
    sign_in_email: count(memory.signIns.byEmail),
    management: count(memory.managementBans, memory.pageBans),
  };
}
