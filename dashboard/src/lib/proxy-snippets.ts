/// <reference types="vite/client" />
import caddyfile from '../../../deploy/caddy/Caddyfile?raw';
import haproxyCfg from '../../../deploy/haproxy/haproxy.cfg?raw';
import keyhearthLua from '../../../deploy/haproxy/keyhearth.lua?raw';
import nginxConf from '../../../deploy/nginx/keyhearth.conf?raw';
import type { Snippet, SnippetParts } from './snippet.ts';

type ProxyParts = Pick<SnippetParts, 'origin'>;

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

const ALLOWED_HOSTS = 'KEYHEARTH_ALLOWED_HOSTS=localhost,127.0.0.1';

/** The setting with the host at which people reach this service. */
function allowedHosts({ origin }: ProxyParts): string {
  const { hostname } = new URL(origin);
  return LOCAL.has(hostname) ? ALLOWED_HOSTS : `${ALLOWED_HOSTS},${hostname}`;
}

/**
 * A file of deploy/ with the addresses of this service. A proxy on the same machine reaches it at the loopback address,
 * and over TLS only through another proxy, whose port says nothing.
 */
function filled(file: string, parts: ProxyParts): string {
  const { protocol, port } = new URL(parts.origin);
  const ownPort = protocol === 'http:' && port !== '' ? port : '8800';
  return file
    .replaceAll('127.0.0.1:8800', `127.0.0.1:${ownPort}`)
    .replace(ALLOWED_HOSTS, () => allowedHosts(parts))
    .trimEnd();
}

/** What to do with a proxy on the machine of Keyhearth. */
const stepsFor = (parts: ProxyParts, save: string, reload: string) => [
  `Start Keyhearth with \`KEYHEARTH_TRUSTED_PROXIES=127.0.0.1\` and \`${allowedHosts(parts)}\`.`,
  save,
  'Change the ports: clients come to port 8000, and your service is on port 8080 of the same machine.',
  reload,
];

export const nginx = (parts: ProxyParts): Snippet => ({
  title: 'nginx',
  steps: stepsFor(
    parts,
    'Save the file as `/etc/nginx/conf.d/keyhearth.conf`.',
    'Reload nginx: `nginx -s reload`.',
  ),
  code: filled(nginxConf, parts),
});

export const caddy = (parts: ProxyParts): Snippet => ({
  title: 'Caddy',
  steps: stepsFor(parts, 'Save the file as `Caddyfile`.', 'Start Caddy: `caddy run`.'),
  code: filled(caddyfile, parts),
});

export const haproxy = (parts: ProxyParts): Snippet => ({
  title: 'HAProxy',
  steps: stepsFor(
    parts,
    'Save the file as `/etc/haproxy/haproxy.cfg`, and the code of the next tab beside it.',
    'Restart HAProxy.',
  ),
  code: filled(haproxyCfg, parts),
});

export const haproxyLua = (): Snippet => ({
  title: 'HAProxy: Lua',
  note: 'Save it as /etc/haproxy/keyhearth.lua.',
  code: keyhearthLua.trimEnd(),
});
