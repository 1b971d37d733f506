import type { AuditEvent } from '../../audit/event.ts';
import { DomainError } from '../../lib/failure.ts';
import { presentEvent } from './audit-schemas.ts';

export type LinesParts = {
  batches: AsyncGenerator<AuditEvent[]>;
  /** Called before each batch. Throws a DomainError when the client may not read on. */
  assertMayContinue: () => Promise<unknown>;
  /** Closes the connection, so that the client does not take the part for the whole. */
  breakOff: () => void;
};

/**
 * The events as lines of JSON. It reads the next ones when the client has taken the ones before, and none after the client
 * is gone.
 */
export function linesOf({ batches, assertMayContinue, breakOff }: LinesParts): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          await assertMayContinue();
          const { done, value } = await batches.next();
          if (done) return controller.close();
          const lines = value.map((event) => `${JSON.stringify(presentEvent(event))}\n`);
          controller.enqueue(encoder.encode(lines.join('')));
        } catch (error) {
          // The framework prints any error that it gets.
          if (!(error instanceof DomainError)) throw error;
          breakOff();
          controller.close();
        }
      },
      async cancel() {
        await batches.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
