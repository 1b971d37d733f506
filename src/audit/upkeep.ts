import type { BackgroundWriter } from '../db/engine.ts';
import type { Db } from '../db/tables.ts';
import type { Clock } from '../lib/clock.ts';
import { createIncidents, type Incidents } from './incidents.ts';
import type { AuditMemory } from './memory.ts';
import { createRetention } from './retention.ts';

export type AuditUpkeepParts = {
  db: Db;
  writer: BackgroundWriter;
  clock: Clock;
  /** How long an event is kept. 0: for ever. */
  days: number;
  memory: AuditMemory;
  onError: (error: unknown) => void;
};

/** What happens to the audit log beside the changes: it gets incidents, and loses old events. */
export function createAuditUpkeep({
  days,
  memory,
  ...parts
}: AuditUpkeepParts): Pick<Incidents, 'record' | 'backlog' | 'close'> {
  const incidents = createIncidents({ ...parts, memory: memory.incidents });
  const retention = createRetention({ ...parts, days, memory: memory.retention });
  return {
    record: incidents.record,
    backlog: incidents.backlog,
    async close() {
      await retention.close();
      await incidents.close();
    },
  };
}
