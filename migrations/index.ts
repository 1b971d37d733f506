import type { Migration } from 'kysely/migration';
import * as initial from './0001_initial.ts';
import * as useCount from './0002_use_count.ts';
import * as announceChanges from './0003_announce_changes.ts';
import * as keySettings from './0004_key_settings.ts';
import * as auditEvents from './0005_audit_events.ts';
import * as usage from './0006_usage.ts';
import * as rateLimitWindows from './0007_rate_limit_windows.ts';
import * as listing from './0008_listing.ts';
import * as people from './0010_people.ts';
import * as declaredKeys from './0011_declared_keys.ts';
import * as usageModels from './0012_usage_models.ts';
import * as oauth from './0013_oauth.ts';
import * as webhooks from './0014_webhooks.ts';
import * as pepperSince from './0015_pepper_since.ts';
import * as imports from './0016_imports.ts';

/**
 * In the order in which they run. A released migration is never changed, and imports nothing of `src`, which does
 * change. A change of the schema is a new migration.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_initial': initial,
  '0002_use_count': useCount,
  '0003_announce_changes': announceChanges,
  '0004_key_settings': keySettings,
  '0005_audit_events': auditEvents,
  '0006_usage': usage,
  '0007_rate_limit_windows': rateLimitWindows,
  '0008_listing': listing,
  '0010_people': people,
  '0011_declared_keys': declaredKeys,
  '0012_usage_models': usageModels,
  '0013_oauth': oauth,
  '0014_webhooks': webhooks,
  '0015_pepper_since': pepperSince,
  '0016_imports': imports,
};
