import { acceptsOpenMetrics, type Exposition, expose } from './exposition.ts';
import type { MetricsMemory } from './memory.ts';
import { type Surroundings, snapshot } from './snapshot.ts';

/** Writes the metrics of all workers, in the form that a client accepts. */
export type RenderMetrics = (accept: string | undefined) => Promise<Exposition>;

/** @param prepare brings the numbers of this thread up to date */
export const createRender =
  (memory: MetricsMemory, surroundings: Surroundings, prepare: () => void = () => undefined): RenderMetrics =>
  (accept) => {
    prepare();
    return expose(snapshot(memory, surroundings), acceptsOpenMetrics(accept));
  };
