import type { Answered, AnswerLog } from '../lib/answered.ts';
import type { Port } from './catalogue.ts';
import { type Storage, timedDatabase } from './database.ts';
import { countLookUps, type Measured, measure } from './gauges.ts';
import type { MetricsMemory } from './memory.ts';
import { openMeter } from './meter.ts';
import { createRender } from './render.ts';
import { countingRequests } from './requests.ts';
import type { Surroundings } from './snapshot.ts';
import { type CountsVerifications, countingVerifications } from './verifications.ts';

/** What counts in a worker. The first three take a part of the service, and return one that does the same and counts. */
export function openInstruments(memory: MetricsMemory, surroundings: Surroundings) {
  const meter = openMeter(memory);
  return {
    database: (storage: Storage) => timedDatabase(meter, storage),
    verifications: <Usage extends CountsVerifications>(usage: Usage) => countingVerifications(meter, usage),
    requests: <Request extends Answered>(port: Port, log: AnswerLog<Request>) =>
      countingRequests(meter, port, log),
    measure: (parts: Measured) => measure(meter, parts),
    onLookUp: countLookUps(meter),
    openSockets: (read: () => number) => meter.gauge('sockets', undefined, read),
    render: createRender(memory, surroundings, meter.readGauges),
    close: meter.close,
  };
}
