import { z } from '@hono/zod-openapi';
import { OAUTH_PROVIDERS, PROTOCOLS } from '../../gateway-file/config.ts';
import type { GatewayOverview, ModelUsage } from '../../gateway-file/overview.ts';
import { optionalSeconds } from '../../keys/wire.ts';

const UpstreamSchema = z
  .object({
    protocol: z.enum([...PROTOCOLS, 'amp']).openapi({
      description: 'How the upstream is asked. `amp`: it serves the paths of Amp',
      example: 'claude',
    }),
    name: z.string().openapi({ description: 'The name of the upstream in the file', example: 'claude' }),
    prefix: z.string().nullable().openapi({
      description:
        'Clients choose this credential by a model name `prefix/model`. `null`: it serves models without a prefix',
      example: 'production',
    }),
    base_url: z.string().openapi({ description: 'Where requests go', example: 'https://api.anthropic.com' }),
    credential: z.string().openapi({
      description: 'The first characters of the credential, or the account of an OAuth session',
      example: 'sk-a…',
    }),
    kind: z.enum(['api_key', 'oauth']).openapi({ description: 'The kind of the credential' }),
    rests_until: z.number().nullable().openapi({
      description:
        'Until then, other credentials with the same prefix are used, because the upstream refused this one; in seconds since 1970. `null`: it is in use. Each worker has its own',
      example: null,
    }),
  })
  .openapi('GatewayUpstream');

const SessionSchema = z
  .object({
    id: z.string().openapi({ description: 'The id of the session', example: '43bc41c19076619b' }),
    provider: z.string().openapi({ description: 'The OAuth provider', example: 'anthropic' }),
    email: z.string().nullable().openapi({
      description: 'The e-mail address of the account at the provider. `null`: the provider did not say it',
      example: 'ada@example.com',
    }),
    state: z.enum(['active', 'expired']).openapi({
      description: '`expired`: the provider refused to renew the session. Connect the provider again',
    }),
    expires_at: z.number().nullable().openapi({
      description:
        'When its access token expires, in seconds since 1970. The gateway renews it before. `null`: not known',
      example: 1_767_225_600,
    }),
  })
  .openapi('GatewaySession');

const ProblemSchema = z
  .object({
    line: z
      .int()
      .nullable()
      .openapi({ description: 'The line of the file; `null` when there is none', example: 7 }),
    field: z
      .string()
      .openapi({ description: 'The field of the file; empty for the whole file', example: 'api-keys[2]' }),
    message: z.string().openapi({
      description: 'What is wrong, in a sentence',
      example: 'api-keys[2] in line 7 must have at least 8 characters.',
    }),
  })
  .openapi('GatewayFileProblem');

export const GatewaySchema = z
  .object({
    gateway: z
      .object({
        name: z.string().openapi({
          description: 'The name of the set of keys that the file declares: `KEYHEARTH_GATEWAY_NAME`',
          example: 'default',
        }),
        address: z
          .string()
          .openapi({ description: 'Where the gateway listens', example: 'http://127.0.0.1:8317' }),
        loaded_at: z.number().openapi({
          description: 'When the configuration that is in force was read, in seconds since 1970',
          example: 1_767_225_600,
        }),
        problem: ProblemSchema.nullable().openapi({
          description:
            'Why the file on the disk is not in force. The last valid one stays in force. `null`: it is in force',
        }),
        declared_keys: z.int().openapi({
          description:
            'How many keys the file declares. `GET /auth/keys?source=config` lists them. 0: clients need no key',
          example: 3,
        }),
        websockets_need_keys: z
          .boolean()
          .openapi({ description: 'Whether WebSockets need a key too: `ws-auth`', example: true }),
        upstreams: z.array(UpstreamSchema).openapi({ description: 'The credentials for upstreams' }),
        sessions: z.array(SessionSchema).openapi({ description: 'The OAuth sessions' }),
        providers: z.array(z.enum(OAUTH_PROVIDERS)).openapi({
          description: 'The OAuth providers that the file has settings for',
          example: ['anthropic'],
        }),
      })
      .openapi('Gateway')
      .nullable()
      .openapi({ description: '`null` when there is no gateway: `KEYHEARTH_GATEWAY_CONFIG` is not set' }),
  })
  .openapi('GatewayState');

export function presentGateway(overview: GatewayOverview): z.input<typeof GatewaySchema> {
  const { problem, upstreams, sessions, loadedAt } = overview;
  return {
    gateway: {
      name: overview.name,
      address: overview.address,
      loaded_at: loadedAt / 1_000,
      problem: problem && {
        line: problem.line ?? null,
        field: problem.field,
        message: problem.sentence,
      },
      declared_keys: overview.declaredKeys,
      websockets_need_keys: overview.webSocketsNeedKeys,
      upstreams: upstreams.map(({ baseUrl, restsUntil, protocol, name, prefix, credential, kind }) => ({
        ...{ protocol, name, prefix, base_url: baseUrl, credential, kind },
        rests_until: optionalSeconds(restsUntil),
      })),
      sessions: sessions.map(({ id, provider, email, state, expiresAt }) => ({
        ...{ id, provider, email, state },
        expires_at: optionalSeconds(expiresAt),
      })),
      providers: [...overview.providers],
    },
  };
}

export const ConnectParamsSchema = z.object({
  provider: z.enum(OAUTH_PROVIDERS, { error: `must be one of ${OAUTH_PROVIDERS.join(', ')}` }).openapi({
    param: { name: 'provider', in: 'path', description: 'The OAuth provider' },
    example: 'anthropic',
  }),
});

export const GatewaySessionParamsSchema = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path', description: 'The `id` of a session of the gateway' },
    example: '43bc41c19076619b',
  }),
});

export const ConnectionSchema = z
  .object({
    url: z.string().openapi({
      description: 'The page of the provider. Open it in a browser within ten minutes',
      example: 'https://provider.example.com/authorize?client_id=…',
    }),
  })
  .openapi('GatewayConnection');

export const GatewayUsageSchema = z
  .object({
    usage: z
      .array(
        z
          .object({
            key_id: z.int().nullable().openapi({
              description: 'The id of the key. `null`: requests without a key',
              example: 12,
            }),
            label: z.string().nullable().openapi({
              description: 'The label of the key. `null` when the key is deleted since, and without a key',
              example: 'Team A',
            }),
            hint: z.string().nullable().openapi({
              description: 'The first characters of the key. `null` as for the label',
              example: 'team-a-key',
            }),
            model: z.string().openapi({
              description:
                'The model, as the upstream calls it. Empty for requests that named no model, or none that an upstream knew',
              example: 'gpt-5',
            }),
            requests: z.int().openapi({ description: 'All requests of the key for the model', example: 120 }),
            failures: z.int().openapi({
              description: 'The requests that ended with a status of 400 or more, or broke off',
              example: 3,
            }),
            input_tokens: z.int().openapi({
              description: 'The tokens of the requests, as the upstream counts',
              example: 48_000,
            }),
            output_tokens: z
              .int()
              .openapi({ description: 'The tokens of the answers, as the upstream counts', example: 9_100 }),
          })
          .openapi('GatewayModelUsage'),
      )
      .openapi({ description: 'The most requests first; at most 100' }),
  })
  .openapi('GatewayUsage');

export const presentUsage = (usage: readonly ModelUsage[]): z.input<typeof GatewayUsageSchema> => ({
  usage: usage.map(({ keyId, label, hint, model, requests, failures, inputTokens, outputTokens }) => ({
    ...{ key_id: keyId === 0 ? null : keyId, label, hint, model, requests, failures },
    ...{ input_tokens: inputTokens, output_tokens: outputTokens },
  })),
});
