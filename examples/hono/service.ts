import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono } from 'hono';
import { createClient } from 'keyhearth/client';
import { createRequireKey } from 'keyhearth/hono';

/**
 * A small service whose clients need a key of Keyhearth. Start it with:
 *
 *   KEYHEARTH_URL=http://127.0.0.1:8800 KEYHEARTH_KEY=<a key with keys:verify> PORT=3000 node service.ts
 */

const { KEYHEARTH_URL: url = 'http://127.0.0.1:8800', KEYHEARTH_KEY: key = '', PORT = '3000' } = process.env;

const requireKey = createRequireKey({
  url,
  key,
  // Behind a proxy, take the address that the proxy says. Here clients connect directly.
  ip: (c) => getConnInfo(c).remote.address,
  // A revoked key passes for at most ten seconds.
  cache: { maxAgeMs: 10_000 },
  onError: ({ kind, message }) => process.stderr.write(`${kind}: ${message}\n`),
});

const app = new Hono();

app.get('/invoices', requireKey({ scope: 'invoices:read' }), (c) => {
  const { owner, label } = c.var.apiKey;
  return c.json({ owner, label, invoices: [] });
});

// At the start, the service finds a mistake in its own key.
const self = await createClient({ url, key }).self.get();
if (!self.ok) {
  process.stderr.write(`Keyhearth refuses the key of this service: ${self.error.message}\n`);
  process.exit(1);
}

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(PORT) }, ({ port }) => {
  process.stdout.write(`http://127.0.0.1:${port}\n`);
});
process.on('SIGTERM', () => server.close());
