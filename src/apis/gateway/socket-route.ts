import type { IncomingHttpHeaders } from 'node:http';
import type { Credential } from '../../upstreams/credential.ts';
import { requestHeaders } from '../../upstreams/headers.ts';
import { type Target, upstreamPath } from '../../upstreams/target.ts';
import type { Upstreams } from '../../upstreams/upstreams.ts';
import type { SocketUpstream } from './socket-upstream.ts';

/** Returns the next upstream to try; undefined when there is none. */
export type NextUpstream = () => SocketUpstream | undefined;

/**
 * The upstreams for a WebSocket. The model is named in its messages, which come later. So only the parameter `model` can
 * choose a prefix.
 */
export function socketRoute(
  upstreams: Pick<Upstreams, 'route' | 'take' | 'rest'>,
  target: Target,
  headers: IncomingHttpHeaders,
): NextUpstream {
  const model = new URLSearchParams(target.query).get('model');
  const { pool, prefix } = upstreams.route('codex', model);
  const asked = prefix === null ? target : withoutPrefix(target, prefix);
  const tried: Credential[] = [];
  const unreachable: Credential[] = [];

  return () => {
    const credential = upstreams.take(pool, unreachable);
    // When all rest, the one whose rest ends first comes again.
    if (!credential || tried.includes(credential)) return undefined;
    tried.push(credential);
    return {
      url: `${credential.origin}${upstreamPath(credential, asked)}`,
      headers: toRecord(requestHeaders(headers, credential)),
      rest(reason) {
        if (reason.kind === 'unreachable') unreachable.push(credential);
        return upstreams.rest(credential, reason);
      },
    };
  };
}

function withoutPrefix(target: Target, prefix: string): Target {
  const parameters = new URLSearchParams(target.query);
  parameters.set('model', (parameters.get('model') ?? '').slice(prefix.length + 1));
  return { ...target, query: `?${parameters}` };
}

/** From a flat list of names and values. */
function toRecord(list: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let i = 0; i + 1 < list.length; i += 2) record[list[i] ?? ''] = list[i + 1] ?? '';
  return record;
}
