/// <reference types="vite/client" />
import caddyfile from '../../../deploy/caddy/Caddyfile?raw';
import haproxyCfg from '../../../deploy/haproxy/haproxy.cfg?raw';
import keyhearthLua from '../../../deploy/haproxy/keyhearth.lua?raw';
import nginxConf from '../../../deploy/nginx/keyhearth.conf?raw';
import type { Snippet, SnippetParts } from './snippet.ts';

type ProxyParts = Pick<SnippetParts, 'origin'>;

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);
const WHERE = 'It runs on the machine of Keyhearth, and guards a service on port 8080. Change the addresses.';

/**
 * A file of deploy/ with the addresses of this service. A proxy on the same machine reaches it at the loopback address,
 * and over TLS only through another proxy, whose port says nothing.
 */
function filled(file: string, { origin }: ProxyParts): string {
  const { protocol, port, hostname } = new URL(origin);
  const ownPort = protocol === 'http:' && port !== '' ? port : '8800';
  const alsoAllowed = LOCAL.has(hostname) ? '' : `,${hostname}`;
  return file
    .replaceAll('127.0.0.1:8800', `127.0.0.1:${ownPort}`)
    .replace('KEYHEARTH_ALLOWED_HOSTS=localhost,127.0.0.1', (hosts) => hosts + alsoAllowed)
    .trimEnd();
}

export const nginx = (parts: ProxyParts): Snippet => ({
  title: 'nginx',
  note: `Save it as /etc/nginx/conf.d/keyhearth.conf. ${WHERE}`,
  code: filled(nginxConf, parts),
});

export const caddy = (parts: ProxyParts): Snippet => ({
  title: 'Caddy',
  note: `Save it as Caddyfile. ${WHERE}`,
  code: filled(caddyfile, parts),
});

export const haproxy = (parts: ProxyParts): Snippet => ({
  title: 'HAProxy',
  note: `Save it as /etc/haproxy/haproxy.cfg, and the next file beside it. ${WHERE}`,
  code: filled(haproxyCfg, parts),
});

export const haproxyLua = (): Snippet => ({
  title: 'HAProxy: Lua',
  note: 'Save it as /etc/haproxy/keyhearth.lua.',
  code: keyhearthLua.trimEnd(),
});
