import type { GatewayConfig } from '../gateway-file/config.ts';
import type { LiveConfig } from '../gateway-file/live.ts';
import type { GatewayControl, UpstreamView } from '../gateway-file/overview.ts';
import type { Change } from '../keys/change.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { missingSettings } from '../oauth/flows.ts';
import type { OAuth } from '../oauth/service.ts';
import { secretHint } from '../upstreams/credential.ts';
import type { Upstreams } from '../upstreams/upstreams.ts';

export type ControlParts = Readonly<{
  /** The name of the set of keys that the file declares. */
  name: string;
  live: Pick<LiveConfig, 'current' | 'problem' | 'loadedAt'>;
  upstreams: Pick<Upstreams, 'states'>;
  oauth: Pick<OAuth, 'start' | 'sessions' | 'endSession'>;
  usage: GatewayControl['usage'];
  change: Change;
  clock: Pick<Clock, 'now'>;
}>;

/** What the other APIs of the service see of the gateway, and do with it. */
export function createGatewayControl({
  name,
  live,
  upstreams,
  oauth,
  usage,
  change,
  clock,
}: ControlParts): GatewayControl {
  return {
    usage,

    async overview() {
      const config = live.current();
      const sessions = await oauth.sessions();
      const now = clock.now();
      return {
        name,
        address: addressIn(config),
        loadedAt: live.loadedAt(),
        problem: live.problem() ?? null,
        declaredKeys: config.clientKeys.length,
        webSocketsNeedKeys: config.wsAuth && config.clientKeys.length > 0,
        upstreams: [
          ...upstreams.states().map(({ restMs, isToken, ...state }) => ({
            ...state,
            kind: isToken ? ('oauth' as const) : ('api_key' as const),
            restsUntil: restMs > 0 ? now + restMs : null,
          })),
          ...ampView(config),
        ],
        sessions: sessions.map(({ id, provider, email, status, expires_at }) => ({
          ...{ id, provider, email: email || null, state: status },
          expiresAt: expires_at === null ? null : Date.parse(expires_at),
        })),
        providers: Object.keys(config.oauth) as (keyof typeof config.oauth)[],
      };
    },

    async connect(provider, actor) {
      const missing = missingSettings(live.current(), provider);
      if (missing.length > 0) {
        const message = `lacks ${missing.join(', ')} in the section oauth of the gateway's file`;
        throw new DomainError({ code: 'invalid_request', errors: [{ path: 'provider', message }] });
      }
      await change(actor, '*', (_, __, record) =>
        record({ action: 'gateway.sign_in_started', changes: { provider: { from: null, to: provider } } }),
      );
      return (await oauth.start(provider)).url;
    },

    async disconnect(id, actor) {
      const session = (await oauth.sessions()).find((each) => each.id === id);
      if (!session) throw new DomainError({ code: 'session_not_found' });
      await change(actor, '*', (_, __, record) =>
        record({ action: 'gateway.signed_out', changes: { session: { from: session.name, to: null } } }),
      );
      await oauth.endSession(id);
    },
  };
}

function addressIn({ host, port, tls }: GatewayConfig): string {
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const ampView = ({ amp }: GatewayConfig): UpstreamView[] =>
  amp
    ? [
        {
          protocol: 'amp',
          name: 'ampcode',
          prefix: null,
          baseUrl: amp.upstreamUrl,
          credential: amp.apiKey === null ? '' : secretHint(amp.apiKey),
          kind: 'api_key',
          restsUntil: null,
        },
      ]
    : [];
