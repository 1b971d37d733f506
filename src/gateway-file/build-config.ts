import { isAbsolute, join, resolve } from 'node:path';
import { RawKey } from '../lib/brand.ts';
import type {
  Amp,
  ConfiguredCredential,
  DeclaredKey,
  GatewayConfig,
  OAuthProvider,
  OAuthSettings,
  Protocol,
} from './config.ts';
import { OAUTH_PROVIDERS } from './config.ts';
import type { FileValues } from './schema.ts';

/** From the fields of the file to the configuration, with all defaults filled in. */

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8317;
const DEFAULT_AUTH_DIR = '~/.cli-proxy-api';
const AMP_URL = 'https://ampcode.com';

const SECTIONS = [
  { protocol: 'gemini', section: 'gemini-api-key', baseUrl: 'https://generativelanguage.googleapis.com' },
  { protocol: 'claude', section: 'claude-api-key', baseUrl: 'https://api.anthropic.com' },
  { protocol: 'codex', section: 'codex-api-key', baseUrl: 'https://api.openai.com' },
] as const satisfies readonly { protocol: Protocol; section: keyof FileValues; baseUrl: string }[];

/** Where relative paths and "~" begin. */
export type Place = Readonly<{ directory: string; home: string }>;

/** @param secretHash the bcrypt hash of the management key, when the file has one */
export function buildConfig(
  file: FileValues,
  clientKeys: readonly DeclaredKey[],
  secretHash: string | null,
  place: Place,
): GatewayConfig {
  const { tls, 'remote-management': management } = file;
  const panel = management?.['panel-file'] ?? '';
  return {
    host: file.host ?? DEFAULT_HOST,
    port: file.port ?? DEFAULT_PORT,
    tls:
      tls?.enable === true
        ? { cert: absolute(tls.cert ?? '', place), key: absolute(tls.key ?? '', place) }
        : null,
    clientKeys,
    allowUnauthenticatedRemote: file['allow-unauthenticated-remote'] ?? false,
    authDir: absolute(file['auth-dir'] || DEFAULT_AUTH_DIR, place),
    wsAuth: file['ws-auth'] ?? true,
    management: {
      allowRemote: management?.['allow-remote'] ?? false,
      secretHash,
      disableControlPanel: management?.['disable-control-panel'] ?? false,
      panelFile: panel === '' ? null : absolute(panel, place),
    },
    amp: ampOf(file.ampcode),
    credentials: credentialsOf(file),
    oauth: oauthOf(file.oauth),
  };
}

function absolute(path: string, { directory, home }: Place): string {
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : resolve(directory, path);
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '');

function ampOf(amp: FileValues['ampcode']): Amp | null {
  const upstreamUrl = amp?.['upstream-url'] ?? AMP_URL;
  if (!amp || upstreamUrl === '') return null;
  const byClientKey = new Map<RawKey, string>();
  for (const { 'upstream-api-key': apiKey, 'api-keys': clients } of amp['upstream-api-keys'] ?? []) {
    // The first one counts, as in the original.
    for (const client of clients)
      if (!byClientKey.has(RawKey(client))) byClientKey.set(RawKey(client), apiKey);
  }
  return {
    upstreamUrl: withoutSlash(upstreamUrl),
    apiKey: amp['upstream-api-key'] || null,
    byClientKey,
  };
}

function credentialsOf(file: FileValues): ConfiguredCredential[] {
  const ofSections = SECTIONS.flatMap(({ protocol, section, baseUrl }) =>
    (file[section] ?? []).map((entry) => ({
      protocol,
      name: section,
      apiKey: entry['api-key'],
      prefix: entry.prefix || null,
      baseUrl: withoutSlash(entry['base-url'] || baseUrl),
    })),
  );
  const compatible = (file['openai-compatibility'] ?? [])
    .filter(({ disabled }) => disabled !== true)
    .flatMap((provider) => {
      const entries = provider['api-key-entries'] ?? [];
      return (entries.length > 0 ? entries : [{ 'api-key': '' }]).map((entry) => ({
        protocol: 'openai' as const,
        name: provider.name ?? 'openai-compatibility',
        apiKey: entry['api-key'] ?? '',
        prefix: provider.prefix || null,
        baseUrl: withoutSlash(provider['base-url']),
      }));
    });
  return [...ofSections, ...compatible];
}

function oauthOf(oauth: FileValues['oauth']): Partial<Record<OAuthProvider, OAuthSettings>> {
  const providers = OAUTH_PROVIDERS.flatMap((provider): [OAuthProvider, OAuthSettings][] => {
    const settings = oauth?.[provider];
    if (!settings) return [];
    const baseUrl = settings['base-url'];
    return [
      [
        provider,
        {
          clientId: settings['client-id'] ?? '',
          clientSecret: settings['client-secret'] ?? '',
          authorizeUrl: settings['authorize-url'] ?? '',
          tokenUrl: settings['token-url'] ?? '',
          scopes: settings.scopes ?? [],
          redirectUrl: settings['redirect-url'] || null,
          baseUrl: baseUrl ? withoutSlash(baseUrl) : null,
          prefix: settings.prefix || null,
        },
      ],
    ];
  });
  return Object.fromEntries(providers);
}
