import { Agent, type Dispatcher } from 'undici';
import { guardedLookup } from './address-guard.ts';

/** As for requests: providers send long headers too. */
const MAX_HEADER_BYTES = 64 * 1024;

/** How long the gateway waits for an upstream, in milliseconds. */
export type Patience = Readonly<{ connectMs: number; firstByteMs: number; idleMs: number }>;

export type UpstreamAgent = Pick<Dispatcher, 'dispatch' | 'request'> & { close(): Promise<void> };

/** The connections to upstreams. No redirect is followed, and no name leads to a forbidden address. */
export function createAgent(
  { connectMs, firstByteMs, idleMs }: Patience,
  lookup = guardedLookup(),
): UpstreamAgent {
  const agent = new Agent({
    allowH2: false,
    headersTimeout: firstByteMs,
    bodyTimeout: idleMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: { timeout: connectMs, lookup },
  });
  return {
    dispatch: agent.dispatch.bind(agent),
    request: agent.request.bind(agent),
    close: () => agent.destroy(),
  };
}
